//! The far ends of the supervisor's sockets: what the zygote and the workers hold.
//!
//! Each is used by the one process that it was made for. A fork of that process (a test's own `multiprocessing`)
//! inherits the descriptor but not the right to speak: its calls fail.

mod birth;
pub(crate) mod packet;
mod worker;
mod zygote;

#[cfg(test)]
mod worker_tests;

use rustix::process::{Pid, getpid};
use thiserror::Error;

pub use birth::{Born, receive_birth};
pub use worker::{Ended, Names, Peek, Place, WorkerLink};
pub use zygote::{ForkRequest, ZygoteLink};

/// Why a far end cannot go on.
#[derive(Debug, Error)]
pub enum LinkError {
    /// The controller is gone.
    #[error("the controller is gone")]
    Closed,
    /// The socket failed.
    #[error("the socket to the controller failed")]
    Io(#[from] std::io::Error),
    /// What was to be sent is longer than a frame may be, in bytes; nothing was sent and no test was claimed.
    #[error("a message of {0} bytes is longer than the {max} that may be sent", max = engine::wire::frame::MAX_LENGTH)]
    TooLong(u64),
    /// What came is no message.
    #[error("the controller sent something that is no message")]
    Wire(#[from] engine::wire::WireError),
    /// The calling process is a fork of the one that the link belongs to.
    #[error("this process is a fork of a worker and cannot speak for it")]
    Forked,
}

impl From<rustix::io::Errno> for LinkError {
    fn from(error: rustix::io::Errno) -> Self {
        Self::Io(error.into())
    }
}

/// Who may use a link.
#[derive(Clone, Copy, Debug)]
struct Owner(Pid);

impl Owner {
    fn current() -> Self {
        Self(getpid())
    }

    fn check(self) -> Result<(), LinkError> {
        if getpid() == self.0 { Ok(()) } else { Err(LinkError::Forked) }
    }
}
