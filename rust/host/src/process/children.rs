//! Processes that tests left behind, and that others than the test have to end.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

use super::{Blow, Brand, Keep, signal_group};

/// How often the end of an orphan is looked for.
const LOOK: Duration = Duration::from_millis(5);

/// How long a living process may be without a command line before it is taken to have none: amid `exec` it has none
/// for microseconds, longer where the processors are taken.
const AMID_EXEC: Duration = Duration::from_millis(50);

/// How much of a command line is told, in characters.
const SHOWN: usize = 80;

/// The variable by which what a worker started can be told from what others did.
pub(super) const RUN_ID: &str = "PYTEST_CONCURRENT_RUN_ID";

/// A process that tests had left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphan {
    /// Its process id.
    pub pid: i32,
    /// Its command line; a forked Python process has that of pytest.
    pub command: String,
}

/// Ends what was left behind.
///
/// Whoever starts a process as a rule leaves it in its own group, and the group of a worker dies with the worker. What
/// is left of a run has moved to a group of its own. When its parent dies it comes to the zygote that forked the worker,
/// a subreaper: whatever the zygote has beside workers and its spare was started by tests. What comes to this process,
/// a subreaper too, counts only if its environment names the run or it carries the brand of spawned workers, because
/// plugins start processes here as well; or, once a zygote has died and left all it had to this process, if it leads a
/// group of its own and was not there before.
#[derive(Debug)]
pub struct Orphanage {
    /// Children of this process from before the run.
    before: Vec<Pid>,
    /// What stands in the environment of what workers start.
    mark: String,
    brand: Brand,
    keep: Keep,
    /// The groups of workers that are gone: what was killed with them was not left behind.
    cleared: BTreeSet<i32>,
    zygote_was_lost: bool,
    ended: Vec<Orphan>,
    kept: Vec<Orphan>,
}

impl Orphanage {
    /// Remembers whose children there are already.
    pub fn open(run_id: &str, keep: Keep) -> Self {
        Self {
            before: children(),
            mark: format!("{RUN_ID}={run_id}"),
            brand: Brand::of(run_id),
            keep,
            cleared: BTreeSet::new(),
            zygote_was_lost: false,
            ended: Vec::new(),
            kept: Vec::new(),
        }
    }

    /// A zygote died: what it had comes to this process.
    pub fn zygote_lost(&mut self) {
        self.zygote_was_lost = true;
    }

    /// Ends the group of a worker that is dead and not yet reaped, but for what is to be kept.
    pub fn clear_group(&mut self, leader: Pid) {
        let group = leader.as_raw_nonzero().get();
        self.cleared.insert(group);
        if self.keep.is_empty() {
            return signal_group(leader, Blow::Kill);
        }
        for pid in processes().filter(|pid| group_of(*pid) == Some(group) && !self.keep.matches(&command_line(*pid))) {
            if let Some(pid) = Pid::from_raw(pid) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }

    /// Kills what the zygotes adopted, within `patience`. They cannot reap it; that comes with [`Self::close`].
    pub fn clear(&mut self, zygotes: &[Pid], patience: Duration) {
        let until = Instant::now() + patience;
        loop {
            let adopted = zygotes.iter().flat_map(|zygote| children_of(&format!("/proc/{}", zygote.as_raw_nonzero())));
            let alive: Vec<_> = adopted.filter(|child| has_own_group(*child) && is_alive(*child)).collect();
            let left = alive.into_iter().filter(|child| self.end(*child)).count();
            if left == 0 || Instant::now() > until {
                return;
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Kills and reaps what came to this process, and what those had started, within `patience`: what was ended, and
    /// what was left alone.
    pub fn close(mut self, patience: Duration) -> (Vec<Orphan>, Vec<Orphan>) {
        let until = Instant::now() + patience;
        loop {
            let ours: Vec<_> = children().into_iter().filter(|child| self.is_ours(*child)).collect();
            let mut left = 0;
            for child in ours {
                if !is_alive(child) || self.end(child) {
                    left += usize::from(!matches!(waitpid(Some(child), WaitOptions::NOHANG), Ok(Some(_))));
                }
            }
            if left == 0 || Instant::now() > until {
                return (self.ended, self.kept);
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Kills a process, unless it is to be kept; whether it was not.
    fn end(&mut self, child: Pid) -> bool {
        let pid = child.as_raw_nonzero().get();
        let command = command_line(pid);
        let is_kept = self.keep.matches(&command);
        let list = if is_kept { &mut self.kept } else { &mut self.ended };
        let is_told = is_kept || group_of(pid).is_some_and(|group| !self.cleared.contains(&group));
        if is_told && !list.iter().any(|orphan| orphan.pid == pid) {
            list.push(Orphan { pid, command: command.chars().take(SHOWN).collect() });
        }
        if !is_kept {
            let _ = kill_process(child, Signal::KILL);
        }
        !is_kept
    }

    fn is_ours(&self, child: Pid) -> bool {
        let pid = child.as_raw_nonzero().get();
        let was_ended = self.ended.iter().any(|orphan| orphan.pid == pid);
        let is_new = !self.before.contains(&child) && has_own_group(child);
        let is_marked = || self.brand.is_on(child) || environment(pid).any(|word| word == self.mark.as_bytes());
        was_ended || (is_new && (self.zygote_was_lost || is_marked()))
    }
}

/// The children of every thread of this process. Empty where the kernel does not tell.
fn children() -> Vec<Pid> {
    children_of("/proc/self")
}

fn children_of(process: &str) -> Vec<Pid> {
    let Ok(threads) = std::fs::read_dir(format!("{process}/task")) else { return Vec::new() };
    threads
        .flatten()
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok())
        .flat_map(|list| list.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect::<Vec<_>>())
        .collect()
}

fn processes() -> impl Iterator<Item = i32> {
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    all.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn is_alive(child: Pid) -> bool {
    field(child.as_raw_nonzero().get(), 0).is_some_and(|state| state != "Z" && state != "X")
}

fn has_own_group(child: Pid) -> bool {
    let own_group = rustix::process::getpgrp().as_raw_nonzero().get();
    group_of(child.as_raw_nonzero().get()).is_some_and(|group| group != own_group)
}

fn group_of(pid: i32) -> Option<i32> {
    field(pid, 2)?.parse().ok()
}

fn environment(pid: i32) -> impl Iterator<Item = Vec<u8>> {
    let bytes = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    bytes.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect::<Vec<_>>().into_iter()
}

/// A field of `/proc/<pid>/stat`, counted from the one after the name: state, parent, group.
fn field(pid: i32, index: usize) -> Option<String> {
    let line = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = line.rsplit_once(')')?;
    rest.split_whitespace().nth(index).map(str::to_owned)
}

fn command_line(pid: i32) -> String {
    let until = Instant::now() + AMID_EXEC;
    let mut bytes = Vec::new();
    while bytes.is_empty() {
        bytes = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        if !Pid::from_raw(pid).is_some_and(is_alive) || Instant::now() > until {
            break;
        }
        std::thread::sleep(AMID_EXEC / 50);
    }
    let words: Vec<_> =
        bytes.split(|byte| *byte == 0).filter(|word| !word.is_empty()).map(String::from_utf8_lossy).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::CommandExt;
    use std::process::{Child, Command};

    const MARKED: (&str, &str) = (RUN_ID, "run-7");

    /// A process with this number of seconds in its command line, in a group of its own, as a child of this one.
    fn sleeper(seconds: &str, environment: (&str, &str)) -> Child {
        let child =
            Command::new("sleep").arg(seconds).process_group(0).env(environment.0, environment.1).spawn().unwrap();
        // Its environment is there a moment after its process.
        while std::fs::read(format!("/proc/{}/environ", child.id())).unwrap().is_empty() {
            std::thread::yield_now();
        }
        child
    }

    fn commands(orphans: &[Orphan]) -> Vec<&str> {
        orphans.iter().map(|orphan| orphan.command.as_str()).collect()
    }

    fn spared(mut child: Child) {
        assert!(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn only_what_the_run_started_is_ended() {
        let earlier = sleeper("60", MARKED);
        let orphanage = Orphanage::open("run-7", Keep::new(vec!["sleep 63".to_owned()]));
        let plugins = sleeper("61", ("OTHER", "run-7"));
        let mut stray = sleeper("62", MARKED);
        let kept = sleeper("63", MARKED);
        let (ended, left_alone) = orphanage.close(Duration::from_secs(10));
        assert_eq!((commands(&ended), commands(&left_alone)), (vec!["sleep 62"], vec!["sleep 63"]));
        assert!(stray.wait().is_err(), "it was reaped already");
        [earlier, plugins, kept].into_iter().for_each(spared);
    }

    #[test]
    fn after_a_zygote_was_lost_every_new_group_is_ours() {
        // Nothing is ended here: the children of this process are those of all its tests.
        let mut orphanage = Orphanage::open("run-8", Keep::default());
        let stray = sleeper("64", ("OTHER", "x"));
        let child = Pid::from_child(&stray);
        assert!(!orphanage.is_ours(child));
        orphanage.zygote_lost();
        assert!(orphanage.is_ours(child));
        spared(stray);
    }

    #[test]
    fn group_loses_all_but_what_is_kept() {
        let mut leader = sleeper("65", ("OTHER", "x"));
        let group = leader.id().cast_signed();
        let mut member = Command::new("sleep").arg("66").process_group(group).spawn().unwrap();
        let kept = Command::new("sleep").arg("67").process_group(group).spawn().unwrap();
        let mut orphanage = Orphanage::open("run-9", Keep::new(vec!["sleep 67".to_owned()]));
        orphanage.clear_group(Pid::from_raw(group).unwrap());
        assert!(!leader.wait().unwrap().success() && !member.wait().unwrap().success());
        spared(kept);
    }
}
