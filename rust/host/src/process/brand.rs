//! A mark on workers that everything they start carries, in whatever group and with whatever environment.

use std::hash::{DefaultHasher, Hash, Hasher};

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

/// No number that a user would set: the rest tells runs apart.
const FLOOR: u64 = 1 << 40;

/// The line of `/proc/<pid>/limits` that holds it.
const LINE: &str = "Max file locks";

/// A limit on file locks. Linux has not enforced that limit since 2.4.25, nobody sets it, every child inherits it, and
/// it stays when the child clears its environment, leads a session and loses its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Brand(u64);

impl Brand {
    /// The mark of a run.
    pub(super) fn of(run_id: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        run_id.hash(&mut hasher);
        Self(FLOOR | hasher.finish() >> 32)
    }

    /// Marks a process and what it starts from now on. Where that is not allowed nothing is marked.
    pub(super) fn put_on(self, pid: Pid) {
        let maximum = getrlimit(Resource::Locks).maximum;
        let _ = prlimit(Some(pid), Resource::Locks, Rlimit { current: Some(self.0), maximum });
    }

    /// Whether a process is marked.
    pub(super) fn is_on(self, pid: Pid) -> bool {
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", pid.as_raw_nonzero())).unwrap_or_default();
        let values = limits.lines().find_map(|line| line.strip_prefix(LINE)).unwrap_or_default();
        values.split_whitespace().next().is_some_and(|soft| soft == self.0.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::process::{Child, Command, Stdio};

    /// Waits for its marks, then starts something that has nothing in common with it.
    const PARENT: &str = "read line; env -i setsid sh -c 'echo $$; exec sleep 60'";

    fn parent() -> Child {
        Command::new("sh").args(["-c", PARENT]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
    }

    fn pid(child: &Child) -> Pid {
        Pid::from_child(child)
    }

    #[test]
    fn whatever_a_marked_process_starts_is_marked() {
        let mut parent = parent();
        let (mine, other) = (Brand::of("run-1"), Brand::of("run-2"));
        assert!(!mine.is_on(pid(&parent)));
        mine.put_on(pid(&parent));
        drop(parent.stdin.take());
        let mut line = String::new();
        BufReader::new(parent.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let started = Pid::from_raw(line.trim().parse().unwrap()).unwrap();
        assert!(mine.is_on(pid(&parent)) && mine.is_on(started));
        assert!(!other.is_on(started));
        rustix::process::kill_process(started, rustix::process::Signal::KILL).unwrap();
        parent.wait().unwrap();
    }
}
