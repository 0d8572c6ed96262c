//! Signals to workers and the processes that they started.

use rustix::process::{Pid, Signal, kill_process_group};

/// How hard to knock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blow {
    /// SIGTERM.
    Terminate,
    /// SIGKILL.
    Kill,
    /// SIGSTOP: a stop that no program can ignore.
    Stop,
    /// SIGCONT.
    Continue,
}

impl Blow {
    /// The signal.
    pub fn signal(self) -> Signal {
        match self {
            Self::Terminate => Signal::TERM,
            Self::Kill => Signal::KILL,
            Self::Stop => Signal::STOP,
            Self::Continue => Signal::CONT,
        }
    }
}

/// Signals the worker's whole group. That the group is gone already is no error.
pub fn signal_group(leader: Pid, blow: Blow) {
    let _ = kill_process_group(leader, blow.signal());
}

/// Whether a process has a handler for a signal, as far as the system tells.
pub fn catches(process: Pid, signal: i32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.as_raw_nonzero()));
    let caught = status.ok().and_then(|status| {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"))?.trim().to_owned();
        u64::from_str_radix(&mask, 16).ok()
    });
    caught.is_some_and(|mask| mask & (1_u64 << (signal - 1)) != 0)
}

/// The real-time signal at which a worker writes the stacks of all its threads. Tests use SIGUSR1 and SIGUSR2
/// themselves, and the C library keeps the first real-time signals.
pub fn stacks_signal() -> i32 {
    libc::SIGRTMIN() + 7
}

/// The usual name of a signal, `SIGSEGV`; `signal 40` for one without a name.
pub fn signal_name(number: i32) -> String {
    const NAMES: [(i32, &str); 24] = [
        (libc::SIGHUP, "SIGHUP"),
        (libc::SIGINT, "SIGINT"),
        (libc::SIGQUIT, "SIGQUIT"),
        (libc::SIGILL, "SIGILL"),
        (libc::SIGTRAP, "SIGTRAP"),
        (libc::SIGABRT, "SIGABRT"),
        (libc::SIGBUS, "SIGBUS"),
        (libc::SIGFPE, "SIGFPE"),
        (libc::SIGKILL, "SIGKILL"),
        (libc::SIGUSR1, "SIGUSR1"),
        (libc::SIGSEGV, "SIGSEGV"),
        (libc::SIGUSR2, "SIGUSR2"),
        (libc::SIGPIPE, "SIGPIPE"),
        (libc::SIGALRM, "SIGALRM"),
        (libc::SIGTERM, "SIGTERM"),
        (libc::SIGXCPU, "SIGXCPU"),
        (libc::SIGXFSZ, "SIGXFSZ"),
        (libc::SIGVTALRM, "SIGVTALRM"),
        (libc::SIGPROF, "SIGPROF"),
        (libc::SIGIO, "SIGIO"),
        (libc::SIGPWR, "SIGPWR"),
        (libc::SIGSYS, "SIGSYS"),
        (libc::SIGSTKFLT, "SIGSTKFLT"),
        (libc::SIGTSTP, "SIGTSTP"),
    ];
    NAMES
        .iter()
        .find(|(known, _)| *known == number)
        .map_or_else(|| format!("signal {number}"), |(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_handlers_count_as_catching() {
        let own = rustix::process::getpid();
        let ignored_since_start = libc::SIGPIPE;
        assert!(catches(own, libc::SIGSEGV), "Rust's own, for stack overflows");
        assert!(!catches(own, ignored_since_start) && !catches(own, libc::SIGUSR2));
    }

    #[test]
    fn signals_have_their_usual_names() {
        assert_eq!(signal_name(11), "SIGSEGV");
        assert_eq!(signal_name(63), "signal 63");
    }
}
