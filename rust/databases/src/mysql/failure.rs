//! What the server's error numbers mean for us.

use crate::error::{DatabaseError, Result, SqlError};
use crate::session::{Rows, Session};

/// Access denied to a database, a table, a column or a routine, or a privilege is missing.
const DENIED: [&str; 7] = ["1044", "1045", "1142", "1143", "1227", "1370", "1419"];
/// The disk is full; a table is full; a file could not be written.
const FULL: [&str; 2] = ["1021", "1114"];
/// A lock was not given in time; a deadlock.
const LOCKED: [&str; 2] = ["1205", "1213"];
/// There is no such database.
const NO_DATABASE: [&str; 2] = ["1049", "1008"];
/// What the system says when a disk or a quota is full, as the server passes it on.
const NO_ROOM: [&str; 2] = ["Errcode: 28", "No space left on device"];
/// The server goes, or it ended the connection: shutdown, gone away, lost, killed, idle for too long.
const GONE: [&str; 5] = ["1053", "2006", "2013", "1927", "4031"];

/// Whether the connection is of no use after this error number.
pub(super) fn is_lost(code: &str) -> bool {
    GONE.contains(&code)
}

/// The error of the kind that decides what the user is told. A lost connection stays what it is, so that another is
/// tried.
pub(super) fn explain(error: SqlError) -> DatabaseError {
    let code = error.code.as_str();
    if error.lost {
        DatabaseError::Sql(error)
    } else if FULL.contains(&code) || NO_ROOM.iter().any(|words| error.message.contains(words)) {
        DatabaseError::DiskFull(error.message)
    } else if DENIED.contains(&code) {
        DatabaseError::Permission { message: error.message, grant: String::new() }
    } else if LOCKED.contains(&code) {
        DatabaseError::Busy("the database".to_owned(), error.message)
    } else if NO_DATABASE.contains(&code) {
        DatabaseError::Missing(error.message)
    } else {
        DatabaseError::Sql(error)
    }
}

/// Runs a statement; its error is explained.
pub(super) fn ask(session: &mut dyn Session, statement: &str) -> Result<Rows> {
    session.query(statement).map_err(explain)
}

/// The value in the first row and column.
pub(super) fn ask_one(session: &mut dyn Session, statement: &str) -> Result<Option<String>> {
    Ok(ask(session, statement)?.into_iter().next().and_then(|row| row.into_iter().next()).flatten())
}

/// Whether the server said this number.
pub(super) fn said(error: &DatabaseError, code: &str) -> bool {
    matches!(error, DatabaseError::Sql(error) if error.code == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(code: &str, message: &str) -> DatabaseError {
        explain(SqlError { code: code.into(), message: message.into(), lost: is_lost(code) })
    }

    #[test]
    fn every_number_gets_its_kind() {
        assert!(matches!(explained("1044", "denied"), DatabaseError::Permission { .. }));
        assert!(matches!(explained("1114", "full"), DatabaseError::DiskFull(_)));
        assert!(matches!(explained("1005", "cannot create (Errcode: 28 \"x\")"), DatabaseError::DiskFull(_)));
        assert!(matches!(explained("1205", "wait"), DatabaseError::Busy(..)));
        assert!(matches!(explained("1049", "unknown"), DatabaseError::Missing(_)));
        assert!(matches!(explained("2013", "lost"), DatabaseError::Sql(error) if error.lost));
        assert!(matches!(explained("1064", "syntax"), DatabaseError::Sql(error) if !error.lost));
    }
}
