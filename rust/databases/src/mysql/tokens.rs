//! Statements cut into tokens: enough of the language to tell a name from a text or a comment.

use std::fmt::Write;

use engine::guard::DatabaseName;

/// How a statement is to be read; its `sql_mode` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reading {
    /// Double quotes are around names, not around texts.
    ansi_quotes: bool,
    /// A backslash is a character like any other.
    plain_backslash: bool,
}

impl Reading {
    /// As a session with this `sql_mode` reads.
    pub(super) fn of(sql_mode: &str) -> Self {
        let has = |mode: &str| sql_mode.split(',').any(|part| part.eq_ignore_ascii_case(mode));
        Self { ansi_quotes: has("ANSI_QUOTES"), plain_backslash: has("NO_BACKSLASH_ESCAPES") }
    }
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A name between quotes.
    Quoted(u8),
    /// A word: a keyword, a number or a name without quotes.
    Word,
    /// White space, or a comment that the server does not read either.
    Blank,
    /// Anything else: a text, or one character.
    Other,
}

/// The length in bytes of the first token of `rest`, which is not empty, and what it is.
fn token(rest: &str, reading: Reading) -> (Kind, usize) {
    let bytes = rest.as_bytes();
    match bytes[0] {
        b'`' => (Kind::Quoted(b'`'), quoted(bytes, b'`', true)),
        b'"' if reading.ansi_quotes => (Kind::Quoted(b'"'), quoted(bytes, b'"', true)),
        quote @ (b'\'' | b'"') => (Kind::Other, quoted(bytes, quote, reading.plain_backslash)),
        b'#' => (Kind::Blank, line(rest)),
        b'-' if is_dash_comment(bytes) => (Kind::Blank, line(rest)),
        b'/' if bytes.get(1) == Some(&b'*') => comment(rest),
        byte if byte.is_ascii_whitespace() => (Kind::Blank, 1),
        byte if is_word(byte) => (Kind::Word, bytes.iter().take_while(|byte| is_word(**byte)).count()),
        _ => (Kind::Other, 1),
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

fn is_dash_comment(bytes: &[u8]) -> bool {
    bytes.get(1) == Some(&b'-') && bytes.get(2).is_none_or(|byte| byte.is_ascii_whitespace() || byte.is_ascii_control())
}

/// Up to and with the closing quote; a doubled one does not close, nor does one behind a backslash unless `plain`.
fn quoted(bytes: &[u8], quote: u8, plain: bool) -> usize {
    let mut at = 1;
    while at < bytes.len() {
        let doubled = bytes[at] == quote && bytes.get(at + 1) == Some(&quote);
        if doubled || (bytes[at] == b'\\' && !plain) {
            at += 2;
        } else if bytes[at] == quote {
            return at + 1;
        } else {
            at += 1;
        }
    }
    bytes.len()
}

fn line(rest: &str) -> usize {
    rest.find('\n').map_or(rest.len(), |end| end + 1)
}

/// A comment; of one that the server executes only the opening, so that what it holds is read.
fn comment(rest: &str) -> (Kind, usize) {
    if rest.starts_with("/*!") || rest.starts_with("/*M!") {
        let opening = rest.find('!').map_or(rest.len(), |at| at + 1);
        let version = rest[opening..].bytes().take_while(u8::is_ascii_digit).count();
        return (Kind::Blank, opening + version);
    }
    (Kind::Blank, rest[2..].find("*/").map_or(rest.len(), |end| end + 4))
}

/// The statement with every name that is qualified with the schema `from` qualified with `to` instead, in the same
/// quotes or none. Texts, comments and names of columns stay.
pub(super) fn rename_schema(statement: &str, from: &str, to: &DatabaseName, reading: Reading) -> String {
    let mut out = String::with_capacity(statement.len());
    let (mut rest, mut after_dot) = (statement, false);
    while !rest.is_empty() {
        let (kind, length) = token(rest, reading);
        let (now, later) = rest.split_at(length);
        if !after_dot && is_name(now, kind, from) && qualifies(later, reading) {
            let quote = if let Kind::Quoted(quote) = kind { String::from(char::from(quote)) } else { String::new() };
            let _ = write!(out, "{quote}{to}{quote}");
        } else {
            out.push_str(now);
        }
        if kind != Kind::Blank {
            after_dot = now == ".";
        }
        rest = later;
    }
    out
}

fn is_name(token: &str, kind: Kind, name: &str) -> bool {
    match kind {
        Kind::Word => token.eq_ignore_ascii_case(name),
        Kind::Quoted(quote) => {
            let quote = char::from(quote);
            token.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)).is_some_and(|inner| inner == name)
        }
        Kind::Blank | Kind::Other => false,
    }
}

/// Whether a dot follows, so that the name before it is a qualifier.
fn qualifies(mut rest: &str, reading: Reading) -> bool {
    while !rest.is_empty() {
        match token(rest, reading) {
            (Kind::Blank, length) => rest = &rest[length..],
            (_, length) => return &rest[..length] == ".",
        }
    }
    false
}

/// A table's statement without its `AUTO_INCREMENT=…`, which its rows change.
pub(super) fn without_counter(statement: &str) -> String {
    let Some(digits) = counter_at(statement) else { return statement.to_owned() };
    let (before, after) = statement.split_at(digits);
    let before = before.strip_suffix(COUNTER).unwrap_or(before);
    format!("{before}{}", after.trim_start_matches(|character: char| character.is_ascii_digit()).trim_start())
}

/// What is before the digits of a table's counter.
const COUNTER: &str = "AUTO_INCREMENT=";

/// Where the digits of a table's counter begin, behind `AUTO_INCREMENT=` among its options.
pub(super) fn counter_at(statement: &str) -> Option<usize> {
    let mut rest = statement;
    while !rest.is_empty() {
        let (kind, length) = token(rest, Reading::default());
        if kind == Kind::Word && rest.starts_with(COUNTER) {
            return Some(statement.len() - rest.len() + COUNTER.len());
        }
        rest = &rest[length..];
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FROM: &str = "test_shop_t_0123456789abcdef";
    const TO: &str = "test_shop_c_01234567_0123456789abcdef";

    fn renamed(statement: &str, reading: Reading) -> String {
        rename_schema(statement, FROM, &TO.parse().unwrap(), reading)
    }

    /// Parts of a statement, and what becomes of each.
    fn part() -> impl Strategy<Value = (String, String)> {
        let same = |text: String| (text.clone(), text);
        prop_oneof![
            Just((format!(" `{FROM}`.`t` "), format!(" `{TO}`.`t` "))),
            Just((format!(" {FROM} . t "), format!(" {TO} . t "))),
            Just((format!("({FROM}/* c */.t)"), format!("({TO}/* c */.t)"))),
            Just((format!("/*!50003 `{FROM}`.f() */"), format!("/*!50003 `{TO}`.f() */"))),
            Just(same(format!(" `x`.`{FROM}`.`c` "))),
            Just(same(format!(" `{FROM}` "))),
            Just(same(format!(" '`{FROM}`.`t`' "))),
            Just(same(format!(" 'it''s \\' `{FROM}`.t' "))),
            Just(same(format!(" \"{FROM}.t\" "))),
            Just(same(format!(" -- `{FROM}`.t\n"))),
            Just(same(format!(" # {FROM}.t\n"))),
            Just(same(format!(" /* {FROM}.t */ "))),
            Just(same(format!(" `a``{FROM}`.`t` "))),
            Just(same(format!(" {FROM}2.t, x{FROM}.t "))),
            Just(same(" 1--2, 'größer 🦀' ".to_owned())),
        ]
    }

    #[test]
    fn double_quotes_are_read_as_the_mode_says() {
        let (statement, ansi) = (format!("SELECT \"{FROM}\".\"t\""), Reading::of("PIPES_AS_CONCAT,ANSI_QUOTES"));
        assert_eq!(renamed(&statement, ansi), format!("SELECT \"{TO}\".\"t\""));
        assert_eq!(renamed(&statement, Reading::default()), statement);
    }

    #[test]
    fn a_backslash_is_read_as_the_mode_says() {
        let (statement, plain) = (format!("'\\', `{FROM}`.t, '"), Reading::of("NO_BACKSLASH_ESCAPES"));
        assert_eq!(renamed(&statement, plain), format!("'\\', `{TO}`.t, '"));
        assert_eq!(renamed(&statement, Reading::default()), statement);
    }

    #[test]
    fn only_the_counter_goes() {
        let statement = "CREATE TABLE `AUTO_INCREMENT=1` (\n`id` int AUTO_INCREMENT COMMENT 'AUTO_INCREMENT=2'\n) ENGINE=InnoDB AUTO_INCREMENT=77 COMMENT='x'";
        assert_eq!(without_counter(statement), statement.replace("AUTO_INCREMENT=77 ", ""));
    }

    proptest! {
        #[test]
        fn exactly_the_qualifiers_change(parts in prop::collection::vec(part(), 0..12)) {
            let (statement, expected): (String, String) = parts.into_iter().unzip();
            prop_assert_eq!(renamed(&statement, Reading::default()), expected);
        }

        #[test]
        fn any_statement_survives_being_read(statement in "(?s).{0,60}|[`'\"\\\\#\\-/*!.\na_]{0,40}") {
            for mode in ["", "ANSI_QUOTES", "NO_BACKSLASH_ESCAPES", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES"] {
                prop_assert_eq!(renamed(&statement, Reading::of(mode)), statement.clone());
            }
            prop_assert_eq!(without_counter(&statement), statement);
        }
    }
}
