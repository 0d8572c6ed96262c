//! The part of pytest-concurrent that acts: processes, sockets, signals, clocks and files. The only crate with unsafe code.

pub mod clock;
pub mod heap;
pub mod link;
pub mod page;
pub mod process;
pub mod resources;
pub mod sense;
pub mod store;
pub mod supervisor;

use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// Takes over a descriptor that Python has let go of (`socket.detach()`).
pub fn adopt(descriptor: RawFd) -> OwnedFd {
    // SAFETY: the caller detached the descriptor from the Python object that owned it, so nobody else closes it.
    unsafe { OwnedFd::from_raw_fd(descriptor) }
}
