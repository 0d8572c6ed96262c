//! The controller's ends of the zygote and its spare.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use engine::wire::message::{FromZygote, ToZygote};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, waitid};

use crate::link::LinkError;
use crate::link::packet::{receive_packet, send_packet};

/// How long a zygote may take to leave after its socket was closed. It only ever waits for that.
const LEAVE: Duration = Duration::from_secs(2);

/// A zygote as the controller sees it.
struct Zygote {
    /// 0 for the first, 1 for its spare.
    id: u32,
    socket: OwnedFd,
    pidfd: Option<OwnedFd>,
}

/// The zygote that forks now, and the one that will when it dies.
pub(super) struct Zygotes {
    /// First the active one.
    members: Vec<Zygote>,
}

impl Zygotes {
    /// The zygote is a child of this process; its spare makes itself known by [`FromZygote::Hello`].
    pub(super) fn new(zygote: (OwnedFd, i32), spare: OwnedFd) -> Self {
        let pidfd = Pid::from_raw(zygote.1).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        let first = Zygote { id: 0, socket: zygote.0, pidfd };
        Self { members: vec![first, Zygote { id: 1, socket: spare, pidfd: None }] }
    }

    pub(super) fn sockets(&self) -> impl Iterator<Item = &OwnedFd> {
        self.members.iter().map(|zygote| &zygote.socket)
    }

    /// Asks the active zygote; its id.
    pub(super) fn send(&self, message: ToZygote, descriptors: &[BorrowedFd<'_>]) -> Result<u32, LinkError> {
        let active = self.members.first().ok_or(LinkError::Closed)?;
        send_packet(&active.socket, &message, descriptors)?;
        Ok(active.id)
    }

    /// Asks the zygote that forked this worker to reap it. `false` = that zygote is gone, and its children are ours.
    pub(super) fn ask_to_reap(&self, zygote: u32, pid: Pid) -> bool {
        let parent = self.members.iter().find(|member| member.id == zygote);
        let reap = ToZygote::Reap { pid: pid.as_raw_nonzero().get() };
        parent.is_some_and(|parent| send_packet(&parent.socket, &reap, &[]).is_ok())
    }

    /// What this zygote says, with the pidfd that came along. `Err` = it is gone.
    pub(super) fn receive(&mut self, index: usize) -> Result<Option<(FromZygote, Option<OwnedFd>)>, LinkError> {
        let Some(zygote) = self.members.get_mut(index) else { return Ok(None) };
        let (message, descriptors) = receive_packet::<FromZygote>(&zygote.socket)?;
        let pidfd = descriptors.into_iter().next();
        if let FromZygote::Hello { .. } = message {
            zygote.pidfd = pidfd;
            return Ok(None);
        }
        Ok(Some((message, pidfd)))
    }

    /// Forgets a dead zygote; the next one takes over. Returns its id.
    pub(super) fn bury(&mut self, index: usize) -> Option<u32> {
        (index < self.members.len()).then(|| {
            let zygote = self.members.remove(index);
            let id = zygote.id;
            zygote.leave();
            id
        })
    }

    /// Lets all of them go: the zygote before its spare, which is its child and is ours to reap only afterwards.
    pub(super) fn dismiss(mut self) {
        self.members.drain(..).for_each(Zygote::leave);
    }
}

impl Zygote {
    fn leave(mut self) {
        if self.pidfd.is_none() && becomes_readable(&self.socket, LEAVE) {
            self.pidfd = receive_packet::<FromZygote>(&self.socket).ok().and_then(|(_, fds)| fds.into_iter().next());
        }
        drop(self.socket);
        if let Some(pidfd) = self.pidfd {
            reap(&pidfd);
        }
    }
}

/// Waits for the process, with force if it takes too long.
fn reap(pidfd: &OwnedFd) {
    if !becomes_readable(pidfd, LEAVE) {
        let _ = pidfd_send_signal(pidfd, Signal::KILL);
        becomes_readable(pidfd, LEAVE);
    }
    let _ = waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
}

fn becomes_readable(descriptor: &OwnedFd, patience: Duration) -> bool {
    let until = Instant::now() + patience;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let timeout = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
        match poll(&mut [PollFd::new(descriptor, PollFlags::IN)], Some(&timeout)) {
            Ok(0) => return false,
            Ok(_) => return true,
            Err(_) if left.is_zero() => return false,
            Err(_) => {}
        }
    }
}
