//! A worker's lifeline, held for it until it can do so itself.

use std::io::{Error, Result};
use std::os::fd::{AsRawFd, OwnedFd};

use rustix::fs::{Mode, OFlags, open};
use rustix::process::Pid;

/// Sets the signal that is sent in place of SIGIO.
const F_SETSIG: libc::c_int = 10;

/// A lifeline's read end, opened anew: the owner of the signal belongs to the open file.
pub(super) fn own_end(lifeline: &OwnedFd) -> Result<OwnedFd> {
    let path = format!("/proc/self/fd/{}", lifeline.as_raw_fd());
    Ok(open(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())?)
}

/// Has the kernel kill the group that this process leads when nobody holds the other end any more: at once, whether its
/// interpreter has started or not. It lasts as long as somebody has this end, were it in a message that nobody has read.
pub(super) fn bind(end: &OwnedFd, leader: Pid) -> Result<()> {
    set(end, F_SETSIG, libc::SIGKILL)?;
    set(end, libc::F_SETOWN, -leader.as_raw_nonzero().get())?;
    set(end, libc::F_SETFL, libc::O_NONBLOCK | libc::O_ASYNC)
}

fn set(end: &OwnedFd, what: libc::c_int, value: libc::c_int) -> Result<()> {
    // SAFETY: these commands take a number and touch no memory of this process.
    match unsafe { libc::fcntl(end.as_raw_fd(), what, value) } {
        -1 => Err(Error::last_os_error()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::process::Command;

    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
    use rustix::pipe::{PipeFlags, pipe_with};

    use crate::link::packet::send_packet;

    #[test]
    fn what_nobody_has_read_yet_kills_all_the_same() {
        let (read_end, write_end) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let own = own_end(&read_end).unwrap();
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
        send_packet(&ours, &0_u8, &[std::os::fd::AsFd::as_fd(&own)]).unwrap();
        let mut worker = Command::new("sleep").arg("60").process_group(0).spawn().unwrap();
        bind(&own, Pid::from_child(&worker)).unwrap();
        drop((own, ours));
        assert!(worker.try_wait().unwrap().is_none());
        drop(write_end);
        assert_eq!(worker.wait().unwrap().signal(), Some(libc::SIGKILL));
        drop(theirs);
    }
}
