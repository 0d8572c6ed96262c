//! Children of this process that it did not start: what tests left behind, adopted when its parent died.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

/// How often the end of an orphan is looked for.
const LOOK: Duration = Duration::from_millis(5);

/// How much of a command line is told, in characters.
const SHOWN: usize = 80;

/// An orphan that was ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphan {
    /// Its process id.
    pub pid: i32,
    /// Its command line; a forked Python process has that of pytest.
    pub command: String,
}

/// Ends what was adopted.
///
/// Whoever starts a process as a rule leaves it in its own group, and the group of a worker dies with the worker. What
/// is left of a run has moved to a group of its own, and came to this process, the subreaper, when its parent died.
/// Nothing tells such a child from one that a plugin of the controller started in a group of its own during the run;
/// that is rare, and one that lived before the run is spared.
#[derive(Debug)]
pub struct Orphanage {
    /// Children from before the run, by process id.
    before: Vec<Pid>,
}

impl Orphanage {
    /// Remembers whose children there are already.
    pub fn open() -> Self {
        Self { before: children() }
    }

    /// Kills and reaps every child that was adopted since, and what those had started, within `patience`.
    pub fn close(self, patience: Duration) -> Vec<Orphan> {
        let until = Instant::now() + patience;
        let mut ended: Vec<Orphan> = Vec::new();
        loop {
            let adopted: Vec<_> = children().into_iter().filter(|child| self.is_adopted(*child)).collect();
            for child in &adopted {
                let pid = child.as_raw_nonzero().get();
                if state(pid) != Some('Z') && !ended.iter().any(|orphan| orphan.pid == pid) {
                    ended.push(Orphan { pid, command: command_line(pid) });
                }
                let _ = kill_process(*child, Signal::KILL);
                let _ = waitpid(Some(*child), WaitOptions::NOHANG);
            }
            if adopted.is_empty() || Instant::now() > until {
                return ended;
            }
            std::thread::sleep(LOOK);
        }
    }

    fn is_adopted(&self, child: Pid) -> bool {
        let own_group = rustix::process::getpgrp().as_raw_nonzero().get();
        let group = field(child.as_raw_nonzero().get(), 2).and_then(|group| group.parse().ok());
        !self.before.contains(&child) && group.is_some_and(|group: i32| group != own_group)
    }
}

/// The children of every thread of this process. Empty where the kernel does not tell.
fn children() -> Vec<Pid> {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return Vec::new() };
    threads
        .flatten()
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|list| list.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect::<Vec<_>>())
        .collect()
}

fn state(pid: i32) -> Option<char> {
    field(pid, 0)?.chars().next()
}

/// A field of `/proc/<pid>/stat`, counted from the one after the name: state, parent, group.
fn field(pid: i32, index: usize) -> Option<String> {
    let line = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = line.rsplit_once(')')?;
    rest.split_whitespace().nth(index).map(str::to_owned)
}

fn command_line(pid: i32) -> String {
    let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words: Vec<_> =
        bytes.split(|byte| *byte == 0).filter(|word| !word.is_empty()).map(String::from_utf8_lossy).collect();
    words.join(" ").chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    #[test]
    fn only_new_groups_of_new_children_are_ended() {
        let mut earlier = Command::new("sleep").arg("60").process_group(0).spawn().unwrap();
        let orphanage = Orphanage::open();
        let mut own_group = Command::new("sleep").arg("61").spawn().unwrap();
        let mut stray = Command::new("sleep").arg("62").process_group(0).spawn().unwrap();
        // Its name is there a moment after its process.
        while std::fs::read(format!("/proc/{}/cmdline", stray.id())).unwrap().is_empty() {
            std::thread::yield_now();
        }
        let ended = orphanage.close(Duration::from_secs(10));
        let commands: Vec<_> = ended.iter().map(|orphan| orphan.command.as_str()).collect();
        assert_eq!(commands, ["sleep 62"]);
        assert!(stray.wait().is_err(), "it was reaped already");
        for spared in [&mut earlier, &mut own_group] {
            assert!(spared.try_wait().unwrap().is_none());
            spared.kill().unwrap();
            spared.wait().unwrap();
        }
    }
}
