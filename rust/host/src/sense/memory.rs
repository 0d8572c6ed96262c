//! Memory: what one process owns, and what can still be had.

use std::path::Path;

use super::places::{Places, lines, number};

/// What a process keeps in memory, shared or not, in bytes; `None` = it is gone. Cheap, whatever its size.
pub fn resident(pid: i32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

/// What a process keeps in memory and shares with nobody, in bytes: what comes free when it leaves. `None` = it is gone,
/// or the kernel does not tell.
///
/// A forked worker shares what it inherited with the zygote and with every other worker, and that stays whoever leaves:
/// its resident set counts all of it, its proportional set a part that depends on how many others there are.
pub fn owned(pid: i32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let private = |name: &str| field(&text, name);
    Some((private("Private_Clean:")? + private("Private_Dirty:")?) * 1024)
}

/// Memory that this run may use, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Supply {
    /// What can be had without swapping.
    pub(super) free: u64,
    /// All of it.
    pub(super) total: u64,
}

impl Supply {
    /// The machine's, or that of the tightest control group around this process.
    pub(super) fn sense(places: &Places) -> Option<Self> {
        let meminfo = std::fs::read_to_string(places.proc("meminfo")).ok()?;
        let machine =
            Self { free: field(&meminfo, "MemAvailable:")? * 1024, total: field(&meminfo, "MemTotal:")? * 1024 };
        let groups = places.memory_groups().filter_map(|folder| Self::of_group(folder, machine.total));
        Some(groups.fold(machine, |tightest, group| if group.free < tightest.free { group } else { tightest }))
    }

    /// Pages of files that nobody has touched for a while count as free: the kernel takes them before anything else.
    fn of_group(folder: &Path, most: u64) -> Option<Self> {
        let one_of = |names: [&str; 2]| names.iter().find_map(|name| number(&folder.join(name)));
        let total = one_of(["memory.max", "memory.limit_in_bytes"]).filter(|total| *total < most)?;
        let used = one_of(["memory.current", "memory.usage_in_bytes"])?;
        let stat = lines(&folder.join("memory.stat"));
        let inactive = |line: &String| {
            let (name, value) = line.split_once(' ')?;
            ["inactive_file", "total_inactive_file"].contains(&name).then(|| value.trim().parse().ok())?
        };
        let idle: u64 = stat.iter().filter_map(inactive).max().unwrap_or(0);
        Some(Self { free: total.saturating_sub(used.saturating_sub(idle)), total })
    }
}

/// The number behind a name, as in `/proc/meminfo`.
fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::places::testing::Machine;
    use super::*;

    const KIB: u64 = 1024;

    #[test]
    fn this_process_owns_a_part_of_what_it_keeps() {
        let pid = std::process::id().cast_signed();
        let (owned, resident) = (owned(pid).unwrap(), resident(pid).unwrap());
        assert!(0 < owned && owned <= resident, "{owned} of {resident}");
    }

    #[test]
    fn process_that_is_gone_owns_nothing() {
        assert_eq!((owned(i32::MAX), resident(i32::MAX)), (None, None));
    }

    #[test]
    fn machine_without_groups_has_what_it_says() {
        let machine = Machine::new();
        machine.proc("meminfo", "MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable: 400 kB\n");
        assert_eq!(Supply::sense(&machine.places()), Some(Supply { free: 400 * KIB, total: 1000 * KIB }));
    }

    #[test]
    fn tightest_group_around_this_process_counts() {
        let machine = Machine::new();
        machine.proc("meminfo", "MemTotal: 1000 kB\nMemAvailable: 900 kB\n");
        machine.proc("self/cgroup", "0::/outer/inner\n");
        machine.sys("cgroup.controllers", "memory\n");
        machine.sys("outer/memory.max", "409600\n");
        machine.sys("outer/memory.current", "307200\n");
        machine.sys("outer/memory.stat", "anon 1\ninactive_file 102400\n");
        machine.sys("outer/inner/memory.max", "max\n");
        assert_eq!(Supply::sense(&machine.places()), Some(Supply { free: 204_800, total: 409_600 }));
    }

    #[test]
    fn older_groups_are_read_too() {
        let machine = Machine::new();
        machine.proc("meminfo", "MemTotal: 1000 kB\nMemAvailable: 900 kB\n");
        machine.proc("self/cgroup", "4:memory:/jobs\n0::/\n");
        machine.sys("memory/jobs/memory.limit_in_bytes", "512000\n");
        machine.sys("memory/jobs/memory.usage_in_bytes", "512000\n");
        machine.sys("memory/jobs/memory.stat", "inactive_file 1\ntotal_inactive_file 2\n");
        machine.sys("memory/memory.limit_in_bytes", "9223372036854771712\n");
        assert_eq!(Supply::sense(&machine.places()), Some(Supply { free: 2, total: 512_000 }));
    }
}
