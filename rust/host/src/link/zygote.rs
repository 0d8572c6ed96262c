//! The zygote's end: it forks when asked, and reaps when asked.

use std::os::fd::{AsFd, OwnedFd};

use engine::Slot;
use engine::wire::message::{FromZygote, ToZygote};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::packet::{receive_packet, send_packet};
use super::{LinkError, Owner};
use crate::process;

/// A worker is wanted.
#[derive(Debug)]
pub struct ForkRequest {
    /// Its place.
    pub slot: Slot,
    /// 1 for the first process on this slot.
    pub attempt: u32,
    /// What it is to use, in the order of [`crate::process::open_descriptors`].
    pub descriptors: Vec<OwnedFd>,
}

/// The zygote's end of its socket (`SOCK_SEQPACKET`: a message is a packet).
pub struct ZygoteLink {
    socket: OwnedFd,
    owner: Owner,
}

impl ZygoteLink {
    /// Takes over the socket. What the tests of its workers leave behind comes to this process, where nothing else does.
    pub fn new(socket: OwnedFd) -> Self {
        let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
        Self { socket, owner: Owner::current() }
    }

    /// The spare introduces itself.
    pub fn hello(&self) -> Result<(), LinkError> {
        self.owner.check()?;
        let pid = rustix::process::getpid();
        let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
        send_packet(&self.socket, &FromZygote::Hello { pid: pid.as_raw_nonzero().get() }, &[pidfd.as_fd()])
    }

    /// Waits until a worker is wanted, reaping on the way. `None` = the controller is done with this zygote, or gone.
    pub fn next_fork(&self) -> Result<Option<ForkRequest>, LinkError> {
        self.owner.check()?;
        loop {
            match receive_packet(&self.socket) {
                Ok((ToZygote::Fork { slot, attempt }, descriptors)) => {
                    return Ok(Some(ForkRequest { slot, attempt, descriptors }));
                }
                Ok((ToZygote::Reap { pid }, _)) => self.reap(pid)?,
                Err(LinkError::Closed) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    /// Hands the new worker's pidfd to the controller.
    pub fn forked(&self, slot: Slot, pid: i32) -> Result<(), LinkError> {
        self.owner.check()?;
        let child = Pid::from_raw(pid).ok_or(LinkError::Io(Errno::SRCH.into()))?;
        // The group must exist before the controller may signal it, whichever of parent and child runs first.
        let _ = rustix::process::setpgid(Some(child), Some(child));
        let pidfd = pidfd_open(child, PidfdFlags::empty())?;
        send_packet(&self.socket, &FromZygote::Forked { slot, pid }, &[pidfd.as_fd()])
    }

    /// Says that the system refused.
    pub fn fork_failed(&self, slot: Slot, reason: String) -> Result<(), LinkError> {
        self.owner.check()?;
        send_packet(&self.socket, &FromZygote::ForkFailed { slot, reason }, &[])
    }

    fn reap(&self, pid: i32) -> Result<(), LinkError> {
        let end = process::wait_for(pid);
        let reaped = FromZygote::Reaped { pid, status: end.status, cpu: end.cpu, peak_memory: end.peak_memory };
        send_packet(&self.socket, &reaped, &[])
    }
}
