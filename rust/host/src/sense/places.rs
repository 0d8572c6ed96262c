//! Where the kernel tells what: `/proc`, and the control groups of both versions around this process.

use std::path::{Path, PathBuf};

/// Folders of the kernel's, found once.
#[derive(Clone, Debug)]
pub(super) struct Places {
    proc: PathBuf,
    memory: Vec<PathBuf>,
    unified: Vec<PathBuf>,
    cpu: Vec<PathBuf>,
    cpuacct: Vec<PathBuf>,
}

impl Places {
    /// Those of this process.
    pub(super) fn here() -> Self {
        Self::below(Path::new("/proc"), Path::new("/sys/fs/cgroup"))
    }

    /// Those that `proc` names, below `groups`.
    fn below(proc: &Path, groups: &Path) -> Self {
        let own = lines(&proc.join("self/cgroup"));
        let version_1 = |controller: &str| {
            let path = own.iter().find_map(|line| {
                let mut parts = line.splitn(3, ':').skip(1);
                parts.next()?.split(',').any(|name| name == controller).then(|| parts.next())?
            });
            path.map(|path| chain(&groups.join(controller), path)).unwrap_or_default()
        };
        let unified = own.iter().find_map(|line| line.strip_prefix("0::")).map(|path| {
            let only = groups.join("cgroup.controllers").exists();
            chain(&if only { groups.to_owned() } else { groups.join("unified") }, path)
        });
        Self {
            proc: proc.to_owned(),
            memory: version_1("memory"),
            cpu: version_1("cpu"),
            cpuacct: version_1("cpuacct"),
            unified: unified.unwrap_or_default(),
        }
    }

    pub(super) fn proc(&self, name: &str) -> PathBuf {
        self.proc.join(name)
    }

    /// The groups around this process that may limit memory.
    pub(super) fn memory_groups(&self) -> impl Iterator<Item = &PathBuf> {
        self.unified.iter().chain(&self.memory)
    }

    /// The innermost group's file of waiting time, else the machine's.
    pub(super) fn pressure(&self, of: &str) -> PathBuf {
        let own = self.unified.first().map(|group| group.join(format!("{of}.pressure")));
        own.filter(|path| path.exists()).unwrap_or_else(|| self.proc("pressure").join(of))
    }

    /// The tightest limit on processors around this process: how many, and the microseconds used so far by whom it
    /// concerns.
    pub(super) fn quota(&self) -> Option<(f64, f64)> {
        let second = self.unified.iter().filter_map(|group| Some((quota_of(group)?, usage_of(group)?)));
        let first = self.cpu.iter().zip(&self.cpuacct);
        let first = first.filter_map(|(cpu, cpuacct)| Some((older_quota_of(cpu)?, older_usage_of(cpuacct)?)));
        second.chain(first).min_by(|(a, _), (b, _)| a.total_cmp(b))
    }
}

fn quota_of(group: &Path) -> Option<f64> {
    let line = lines(&group.join("cpu.max")).into_iter().next()?;
    let (quota, period) = line.split_once(' ')?;
    Some(quota.parse::<f64>().ok()? / period.trim().parse::<f64>().ok()?)
}

fn usage_of(group: &Path) -> Option<f64> {
    lines(&group.join("cpu.stat")).iter().find_map(|line| line.strip_prefix("usage_usec ")?.trim().parse().ok())
}

fn older_quota_of(group: &Path) -> Option<f64> {
    let quota = number(&group.join("cpu.cfs_quota_us"))?; // -1, no number of ours, where there is none
    Some(quota as f64 / number(&group.join("cpu.cfs_period_us"))? as f64)
}

fn older_usage_of(group: &Path) -> Option<f64> {
    Some(number(&group.join("cpuacct.usage"))? as f64 / 1000.0)
}

/// A group and those around it, innermost first. What a container does not show of its own path is left out.
fn chain(root: &Path, path: &str) -> Vec<PathBuf> {
    let own = root.join(path.trim().trim_start_matches('/'));
    own.ancestors()
        .take_while(|folder| folder.starts_with(root))
        .filter(|folder| folder.is_dir())
        .map(Into::into)
        .collect()
}

/// The lines of a small file; none if it cannot be read.
pub(super) fn lines(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).map(|text| text.lines().map(str::to_owned).collect()).unwrap_or_default()
}

/// A file's only number; `None` for words such as `max`.
pub(super) fn number(path: &Path) -> Option<u64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// A machine of files, for the tests of this folder.
#[cfg(test)]
pub(super) mod testing {
    use super::*;

    pub(in super::super) struct Machine(tempfile::TempDir);

    impl Machine {
        pub(in super::super) fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        pub(in super::super) fn proc(&self, name: &str, text: &str) {
            write(&self.0.path().join("proc").join(name), text);
        }

        pub(in super::super) fn sys(&self, name: &str, text: &str) {
            write(&self.0.path().join("sys").join(name), text);
        }

        pub(in super::super) fn places(&self) -> Places {
            Places::below(&self.0.path().join("proc"), &self.0.path().join("sys"))
        }
    }

    fn write(path: &Path, text: &str) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

#[cfg(test)]
mod tests {
    use super::testing::Machine;

    #[test]
    fn smaller_quota_of_the_groups_around_counts() {
        let machine = Machine::new();
        machine.proc("self/cgroup", "0::/a/b\n");
        machine.sys("cgroup.controllers", "cpu\n");
        machine.sys("a/cpu.max", "150000 100000\n");
        machine.sys("a/cpu.stat", "usage_usec 700\nuser_usec 1\n");
        machine.sys("a/b/cpu.max", "max 100000\n");
        machine.sys("a/b/cpu.stat", "usage_usec 9\n");
        assert_eq!(machine.places().quota(), Some((1.5, 700.0)));
    }

    #[test]
    fn older_groups_have_quotas_too() {
        let machine = Machine::new();
        machine.proc("self/cgroup", "2:cpu,cpuacct:/jobs\n");
        machine.sys("cpu/jobs/cpu.cfs_quota_us", "200000\n");
        machine.sys("cpu/jobs/cpu.cfs_period_us", "100000\n");
        machine.sys("cpuacct/jobs/cpuacct.usage", "5000\n");
        assert_eq!(machine.places().quota(), Some((2.0, 5.0)));
    }

    #[test]
    fn path_that_a_container_hides_is_the_root() {
        let machine = Machine::new();
        machine.proc("self/cgroup", "0::/docker/1234\n");
        machine.sys("cgroup.controllers", "cpu\n");
        machine.sys("memory.max", "1000\n");
        assert_eq!(machine.places().memory_groups().count(), 1);
    }
}
