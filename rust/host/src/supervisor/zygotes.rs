//! The controller's ends of the zygote and its spare.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use engine::wire::message::{FromZygote, ToZygote};
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, waitid};

use crate::link::LinkError;
use crate::link::packet::{receive_packet, send_packet};
use crate::process::becomes_readable;

/// How long a zygote may take to leave after its socket was closed. It only ever waits for that.
const LEAVE: Duration = Duration::from_secs(2);

/// Why no worker starts when there is no zygote left to fork it.
pub(super) const ZYGOTE_GONE: &str = "the process that forks workers died";

/// Why a zygote could not be asked for a worker, for people.
pub(super) fn refusal(error: LinkError) -> String {
    match error {
        LinkError::Io(source) => source.to_string(),
        _ => ZYGOTE_GONE.to_owned(),
    }
}

/// A zygote as the controller sees it.
struct Zygote {
    /// 0 for the first, 1 for its spare.
    id: u32,
    socket: OwnedFd,
    pid: Option<Pid>,
    pidfd: Option<OwnedFd>,
}

/// The zygote that forks now, and the one that will when it dies.
pub(super) struct Zygotes {
    /// First the active one.
    members: Vec<Zygote>,
}

impl Zygotes {
    /// Nobody forks: workers are children of this process.
    pub(super) fn none() -> Self {
        Self { members: Vec::new() }
    }

    /// The zygote is a child of this process; its spare makes itself known by [`FromZygote::Hello`].
    pub(super) fn new(zygote: (OwnedFd, i32), spare: OwnedFd) -> Self {
        let pid = Pid::from_raw(zygote.1);
        let pidfd = pid.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        let first = Zygote { id: 0, socket: zygote.0, pid, pidfd };
        Self { members: vec![first, Zygote { id: 1, socket: spare, pid: None, pidfd: None }] }
    }

    /// The processes, as far as they have made themselves known.
    pub(super) fn pids(&self) -> Vec<Pid> {
        self.members.iter().filter_map(|zygote| zygote.pid).collect()
    }

    /// Where each zygote, by id, is heard, and where its end is seen.
    pub(super) fn sources(&self) -> impl Iterator<Item = (u32, &OwnedFd, Option<&OwnedFd>)> {
        self.members.iter().map(|zygote| (zygote.id, &zygote.socket, zygote.pidfd.as_ref()))
    }

    /// Asks the active zygote; its id.
    pub(super) fn send(&self, message: ToZygote, descriptors: &[BorrowedFd<'_>]) -> Result<u32, LinkError> {
        let active = self.members.first().ok_or(LinkError::Closed)?;
        send_packet(&active.socket, &message, descriptors)?;
        Ok(active.id)
    }

    /// Asks the zygote that forked this worker to reap it. `false` = nobody else will.
    ///
    /// A zygote that died a moment ago still counts: the system closes its socket before it makes its children ours,
    /// so they are reaped only after [`Self::bury`] has seen its end.
    pub(super) fn ask_to_reap(&self, zygote: u32, pid: Pid) -> bool {
        let parent = self.members.iter().find(|member| member.id == zygote);
        let reap = ToZygote::Reap { pid: pid.as_raw_nonzero().get() };
        parent.is_some_and(|parent| matches!(send_packet(&parent.socket, &reap, &[]), Ok(()) | Err(LinkError::Closed)))
    }

    /// What this zygote says, with the pidfd that came along. `Err` = it is gone.
    pub(super) fn receive(&mut self, id: u32) -> Result<Option<(FromZygote, Option<OwnedFd>)>, LinkError> {
        let Some(zygote) = self.members.iter_mut().find(|zygote| zygote.id == id) else { return Ok(None) };
        let (message, descriptors) = receive_packet::<FromZygote>(&zygote.socket)?;
        let pidfd = descriptors.into_iter().next();
        if let FromZygote::Hello { pid } = message {
            (zygote.pid, zygote.pidfd) = (Pid::from_raw(pid), pidfd);
            return Ok(None);
        }
        Ok(Some((message, pidfd)))
    }

    /// Whether this zygote has said something that was not read yet, or has closed its socket.
    pub(super) fn has_spoken(&self, id: u32) -> bool {
        let zygote = self.members.iter().find(|zygote| zygote.id == id);
        zygote.is_some_and(|zygote| becomes_readable(&zygote.socket, Duration::ZERO))
    }

    /// Forgets a dead zygote; the next one takes over. `false` = it was forgotten already.
    pub(super) fn bury(&mut self, id: u32) -> bool {
        let index = self.members.iter().position(|zygote| zygote.id == id);
        index.map(|index| self.members.remove(index).leave()).is_some()
    }

    /// Ends a zygote that does not do what it was asked for.
    pub(super) fn kill(&self, id: u32) {
        let pidfd = self.members.iter().find(|zygote| zygote.id == id).and_then(|zygote| zygote.pidfd.as_ref());
        if let Some(pidfd) = pidfd {
            let _ = pidfd_send_signal(pidfd, Signal::KILL);
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{death, wait_for};
    use engine::Death;
    use rustix::io::{read, write};
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

    fn pair() -> (OwnedFd, OwnedFd) {
        socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap()
    }

    /// Forks a zygote that forks a worker, both of which end at once; the zygote closes its socket 50 ms before.
    fn dying_zygote(near: &OwnedFd, far: OwnedFd) -> i32 {
        // SAFETY: neither child locks anything before it ends.
        let zygote = unsafe { libc::fork() };
        if zygote == 0 {
            // SAFETY: as above; the descriptors are this process's own copies.
            unsafe {
                let worker = libc::fork();
                if worker == 0 {
                    libc::_exit(0);
                }
                let _ = write(&far, &worker.to_ne_bytes());
                libc::close(std::os::fd::AsRawFd::as_raw_fd(near));
                drop(far);
                libc::usleep(50_000);
                libc::_exit(0);
            }
        }
        zygote
    }

    #[test]
    fn the_worker_of_a_dying_zygote_keeps_its_status() {
        rustix::process::set_child_subreaper(Some(rustix::process::getpid())).unwrap();
        let (near, far) = pair();
        let zygote = dying_zygote(&near, far);
        let mut worker = [0; 4];
        assert_eq!(read(&near, &mut worker).unwrap(), 4);
        assert!(becomes_readable(&near, LEAVE), "its socket closes");
        let worker = i32::from_ne_bytes(worker);
        let mut zygotes = Zygotes::new((near, zygote), pair().0);
        assert!(zygotes.ask_to_reap(0, Pid::from_raw(worker).unwrap()), "too early to reap it here");
        assert!(zygotes.bury(0));
        assert!(!zygotes.bury(0));
        assert!(!zygotes.ask_to_reap(0, Pid::from_raw(worker).unwrap()));
        assert_eq!(death(wait_for(worker).status), Death::Exited(0));
    }

    #[test]
    fn a_refusal_names_the_systems_reason() {
        assert_eq!(refusal(rustix::io::Errno::TOOMANYREFS.into()), rustix::io::Errno::TOOMANYREFS.to_string());
        assert_eq!(refusal(LinkError::Closed), ZYGOTE_GONE);
    }
}
