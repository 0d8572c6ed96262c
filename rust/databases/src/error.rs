//! What can go wrong between us and a server.

use thiserror::Error;

/// An answer of a server that is an error, or no answer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{message}")]
pub struct SqlError {
    /// SQLSTATE of PostgreSQL, error number of MySQL and MariaDB; empty if the server said nothing.
    pub code: String,
    /// What the server said. Never holds a password.
    pub message: String,
    /// Whether the connection is gone, so that another one may succeed.
    pub lost: bool,
}

/// Why something could not be done; the kind decides what the user is told to do.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DatabaseError {
    /// No server answers there, or it refuses the user.
    #[error("no connection to {place}: {reason}")]
    Unreachable {
        /// Host and port, or the path of the socket.
        place: String,
        /// What the system or the server said.
        reason: String,
    },
    /// The user's role may not do it.
    #[error("{message}")]
    Permission {
        /// What the server said.
        message: String,
        /// A statement that an administrator can run to allow it; empty if there is none.
        grant: String,
    },
    /// Somebody else uses it, for longer than the limit.
    #[error("{0} is in use: {1}")]
    Busy(String, String),
    /// It is not there.
    #[error("{0} is not there")]
    Missing(String),
    /// It is there and is not certainly ours, so it is left alone.
    #[error("{0} is left alone: {1}")]
    NotOurs(String, String),
    /// The server or the folder has no room left.
    #[error("no room left: {0}")]
    DiskFull(String),
    /// It took longer than its limit, in seconds.
    #[error("{0} took longer than {1} s")]
    Timeout(String, u64),
    /// The server does not know how, or what is in the template cannot be copied.
    #[error("{0}")]
    Unsupported(String),
    /// It was tried again, as often as was allowed.
    #[error("{last} (tried {attempts} times)")]
    Exhausted {
        /// How often in all.
        attempts: u32,
        /// What went wrong the last time.
        last: Box<DatabaseError>,
    },
    /// Anything else that a server said.
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// A file could not be read or written.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: String,
        /// What the system said.
        reason: String,
    },
}

/// What the functions of this crate return.
pub type Result<T, E = DatabaseError> = std::result::Result<T, E>;
