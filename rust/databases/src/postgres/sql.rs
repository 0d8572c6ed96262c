//! Texts that go into statements, and what the answers mean.

use crate::error::{DatabaseError, Result, SqlError};
use crate::session::{Rows, Session};

/// The longest that the server works on one statement, in seconds. Copying 6 GB took 67 s on a published measurement;
/// ten minutes are 50 GB.
pub(super) const LONGEST_STATEMENT: u64 = 600;

/// A text as a literal that means the same whatever `standard_conforming_strings` says. NUL, which no text on the
/// server can hold, is left out.
pub(super) fn literal(text: &str) -> String {
    let quoted = text.replace('\0', "").replace('\'', "''");
    if quoted.contains('\\') { format!("E'{}'", quoted.replace('\\', "\\\\")) } else { format!("'{quoted}'") }
}

/// A text as a name.
pub(super) fn identifier(text: &str) -> String {
    format!("\"{}\"", text.replace('\0', "").replace('"', "\"\""))
}

/// Runs a statement that is about a database or another thing.
pub(super) fn ask(session: &mut dyn Session, statement: &str, about: &str) -> Result<Rows> {
    session.query(statement).map_err(|error| explain(error, about))
}

/// Runs a statement that changes something and answers nothing.
pub(super) fn tell(session: &mut dyn Session, statement: &str, about: &str) -> Result<()> {
    ask(session, statement, about).map(drop)
}

/// A cell of an answer; NULL is the empty text.
pub(super) fn cell(row: &[Option<String>], column: usize) -> &str {
    row.get(column).and_then(Option::as_deref).unwrap_or_default()
}

/// Whether a cell says true: `t` natively, `True` from a driver that has read it as a boolean.
pub(super) fn is_true(row: &[Option<String>], column: usize) -> bool {
    matches!(cell(row, column), "t" | "true" | "True" | "1")
}

/// A number in a cell; what is none is 0.
pub(super) fn number<T: std::str::FromStr + Default>(row: &[Option<String>], column: usize) -> T {
    cell(row, column).parse().unwrap_or_default()
}

/// What an error of the server means to us. A lost connection stays what it is, so that it is opened again.
pub(super) fn explain(error: SqlError, about: &str) -> DatabaseError {
    if error.lost {
        return DatabaseError::Sql(error);
    }
    match error.code.as_str() {
        "42501" => DatabaseError::Permission { message: error.message, grant: String::new() },
        "53100" => DatabaseError::DiskFull(error.message),
        "57014" => DatabaseError::Timeout(about.to_owned(), LONGEST_STATEMENT),
        "55006" | "55P03" => DatabaseError::Busy(about.to_owned(), error.message),
        _ => DatabaseError::Sql(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads a literal as the server's scanner does.
    fn read(literal: &str, conforming: bool) -> Option<String> {
        let (escapes, inner) = match literal.strip_prefix('E') {
            Some(rest) => (true, rest),
            None => (!conforming, literal),
        };
        let mut characters = inner.strip_prefix('\'')?.strip_suffix('\'')?.chars();
        let mut text = String::new();
        while let Some(character) = characters.next() {
            match character {
                '\'' => text.push(characters.next().filter(|next| *next == '\'')?),
                '\\' if escapes => text.push(characters.next().filter(|next| *next == '\\')?),
                other => text.push(other),
            }
        }
        Some(text)
    }

    proptest! {
        #[test]
        fn a_literal_is_read_as_what_was_written(text in r#"[^\x00]{0,40}|['"\\E$\n]{0,12}"#, conforming: bool) {
            prop_assert_eq!(read(&literal(&text), conforming), Some(text));
        }

        #[test]
        fn a_name_ends_where_it_ends(text in r#"[^\x00]{0,40}|["\\']{0,12}"#) {
            let name = identifier(&text);
            let inner = name.strip_prefix('"').unwrap().strip_suffix('"').unwrap();
            prop_assert!(!inner.replace("\"\"", "").contains('"'));
            prop_assert_eq!(inner.replace("\"\"", "\""), text);
        }
    }

    fn said(code: &str, lost: bool) -> DatabaseError {
        explain(SqlError { code: code.into(), message: "m".into(), lost }, "x")
    }

    #[test]
    fn errors_say_what_to_do_about_them() {
        assert!(matches!(said("42501", false), DatabaseError::Permission { .. }));
        assert_eq!(said("53100", false), DatabaseError::DiskFull("m".into()));
        assert_eq!(said("55006", false), DatabaseError::Busy("x".into(), "m".into()));
        assert_eq!(said("57014", false), DatabaseError::Timeout("x".into(), LONGEST_STATEMENT));
        assert!(matches!(said("42501", true), DatabaseError::Sql(error) if error.lost));
    }
}
