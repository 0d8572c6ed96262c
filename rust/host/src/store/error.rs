//! What can be wrong with a timing file, in words for the person who named it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a timing file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such file.
    #[error("there is no timing file {}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The system refused.
    #[error("cannot {action} the timing file {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried: "read", "write" or "lock".
        action: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// Everybody on the machine may write it, so nobody knows who did.
    #[error("the timing file {p} can be written by every user of this machine, and is not trusted: `chmod o-w {p}`", p = path.display())]
    WorldWritable {
        /// The file.
        path: PathBuf,
    },
    /// What is read or written would stand in a place that the name does not show.
    #[error("the timing file {} is a symbolic link, which is not followed: name the file itself", path.display())]
    Link {
        /// The link.
        path: PathBuf,
    },
    /// A folder, a pipe or a device.
    #[error("{} is not a regular file", path.display())]
    NotAFile {
        /// What was named.
        path: PathBuf,
    },
    /// Larger than any suite can need.
    #[error("the timing file {} is larger than {limit} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most that is read, in bytes.
        limit: u64,
    },
    /// The content is in none of the formats.
    #[error("cannot read the timing file {}, line {line}, column {column}: {cause}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line of the fault, from 1.
        line: usize,
        /// The column of the fault, from 1, in bytes.
        column: usize,
        /// What is wrong there.
        cause: String,
    },
    /// It has values, and none of them is a timing.
    #[error("none of the {refused} values in {} is a timing: expected seconds from 0 to a year for each test", path.display())]
    NoTimings {
        /// The file.
        path: PathBuf,
        /// How many values were refused.
        refused: usize,
    },
    /// A later release wrote it.
    #[error("the timing file {} has schema {schema}, and this release reads schemas up to {known}: upgrade pytest-concurrent, or delete the file", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        schema: u64,
        /// The newest schema that is known here.
        known: u64,
    },
    /// Another process held the lock for too long.
    #[error("another process has held the lock {} for {seconds} seconds: wait for it to end, and try again", lock.display())]
    Busy {
        /// The lock file.
        lock: PathBuf,
        /// How long it was waited for.
        seconds: u64,
    },
}

impl StoreError {
    pub(super) fn io(path: &Path, action: &'static str, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::NotFound && action != "write" {
            return Self::Missing { path: path.into() };
        }
        Self::Io { path: path.into(), action, source }
    }
}

/// Why content, wherever it came from, is not a timing file.
#[derive(Debug, PartialEq)]
pub enum Fault {
    /// Something is wrong at this place.
    Syntax {
        /// From 1.
        line: usize,
        /// From 1, in bytes.
        column: usize,
        /// What is wrong there.
        cause: String,
    },
    /// It has a schema that this release does not know.
    Newer {
        /// Its schema.
        schema: u64,
        /// The newest schema that is known here.
        known: u64,
    },
}

impl Fault {
    /// A fault at this offset of the content, in bytes.
    pub(super) fn at_offset(content: &[u8], offset: usize, cause: &dyn ToString) -> Self {
        let before = &content[..offset.min(content.len())];
        let (line, last) = before.split(|byte| *byte == b'\n').enumerate().last().unwrap_or((0, before));
        Self::Syntax { line: line + 1, column: last.len() + 1, cause: cause.to_string() }
    }

    pub(super) fn at(self, path: &Path) -> StoreError {
        let path = path.into();
        match self {
            Self::Syntax { line, column, cause } => StoreError::Syntax { path, line, column, cause },
            Self::Newer { schema, known } => StoreError::Newer { path, schema, known },
        }
    }
}

/// Our own cache file could not be read and does not count: one line for the user.
#[derive(Debug)]
pub struct SetAside {
    why: StoreError,
    kept_as: Option<PathBuf>,
}

impl SetAside {
    /// Renames the cache file to `*.bad`, in place of an earlier one; a file that cannot be renamed stays.
    pub(super) fn rename(path: &Path, why: StoreError) -> Self {
        let mut bad = path.as_os_str().to_owned();
        bad.push(".bad");
        let bad = PathBuf::from(bad);
        let kept_as = std::fs::rename(path, &bad).is_ok().then_some(bad);
        Self { why, kept_as }
    }
}

impl fmt::Display for SetAside {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "starting without timings: {}", self.why)?;
        match &self.kept_as {
            Some(path) => write!(formatter, " (kept as {})", path.display()),
            None => Ok(()),
        }
    }
}
