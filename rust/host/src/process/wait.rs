//! Reaping.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use engine::Death;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// How a process ended and what it used.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct End {
    /// As `wait4` gives it; `None` if the process was not ours to wait for.
    pub status: Option<i32>,
    /// Seconds of CPU, user and system.
    pub cpu: f64,
    /// Peak resident memory in bytes.
    pub peak_memory: u64,
}

/// Reaps a child that is known to be dead, so this does not wait.
pub fn wait_for(pid: i32) -> End {
    let mut status = 0;
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: both pointers are to live locals of the right type; an all-zero rusage is valid.
    let (found, usage) = unsafe { (libc::wait4(pid, &raw mut status, 0, usage.as_mut_ptr()), usage.assume_init()) };
    if found != pid {
        return End::default();
    }
    End {
        status: Some(status),
        cpu: seconds(usage.ru_utime) + seconds(usage.ru_stime),
        peak_memory: u64::try_from(usage.ru_maxrss).unwrap_or(0) * 1024,
    }
}

/// Whether there is something to read, or for a pidfd whether the process is gone, before `patience` runs out.
pub(crate) fn becomes_readable(descriptor: &OwnedFd, patience: Duration) -> bool {
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

/// What a wait status means.
pub fn death(status: Option<i32>) -> Death {
    match status {
        Some(status) if libc::WIFEXITED(status) => Death::Exited(libc::WEXITSTATUS(status)),
        Some(status) if libc::WIFSIGNALED(status) => Death::Signaled(libc::WTERMSIG(status)),
        _ => Death::Unknown,
    }
}

#[allow(clippy::unnecessary_cast, reason = "the fields are of different widths on different systems")]
fn seconds(time: libc::timeval) -> f64 {
    time.tv_sec as f64 + time.tv_usec as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::zombie_processes, reason = "`wait_for` is what waits")]
    fn end_of_shell(script: &str) -> Death {
        let child = std::process::Command::new("sh").args(["-c", script]).spawn().unwrap();
        death(wait_for(child.id().cast_signed()).status)
    }

    #[test]
    fn an_exit_status_becomes_a_death() {
        assert_eq!(end_of_shell("exit 3"), Death::Exited(3));
    }

    #[test]
    fn a_signal_becomes_a_death() {
        assert_eq!(end_of_shell("kill -SEGV $$"), Death::Signaled(libc::SIGSEGV));
    }

    #[test]
    fn a_stranger_has_an_unknown_death() {
        assert_eq!(death(wait_for(1).status), Death::Unknown);
    }
}
