//! What the machine offers: processors and memory that this process may use, and how busy they are.

use std::num::NonZeroUsize;

use sysinfo::{MemoryRefreshKind, RefreshKind, System};

use memory::Supply;
use places::Places;

mod gauge;
mod memory;
mod places;

pub use gauge::Gauge;
pub use memory::{owned, resident};

/// Memory that a worker is thought to need when nothing was measured, in bytes.
pub const MEMORY_PER_WORKER: u64 = 512 * 1024 * 1024;

/// How many workers are useful here, and why not more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// The number, at least 1.
    pub workers: usize,
    /// A phrase for people: what set the bound.
    pub reason: String,
}

/// Processors and memory at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Processors that the affinity mask allows.
    pub affinity: usize,
    /// Whole processors that the control group's quota allows, at least 1; at most `affinity`.
    pub quota: usize,
    /// Memory that can be had without swapping, in bytes, within the control group's limit.
    pub memory: u64,
}

impl Machine {
    /// Looks. What cannot be learnt bounds nothing.
    pub fn sense() -> Self {
        let affinity = rustix::thread::sched_getaffinity(None).map_or(1, |set| set.count() as usize).max(1);
        // The standard library reads the quota of both versions of control groups.
        let quota = std::thread::available_parallelism().map_or(affinity, NonZeroUsize::get);
        let system =
            System::new_with_specifics(RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram()));
        let memory = system.map_or(u64::MAX, |system| system.available_memory());
        let memory = Supply::sense(&Places::here()).map_or(memory, |supply| memory.min(supply.free));
        Self { affinity, quota: quota.min(affinity), memory }
    }

    /// The number of workers for so many groups of tests, each worker needing so many bytes.
    pub fn advise(&self, groups: usize, memory_per_worker: u64) -> Advice {
        let bounds = self.bounds(groups, memory_per_worker);
        // Of equal bounds the last is the plainest to read.
        let (workers, reason) = bounds.into_iter().rev().min_by_key(|(bound, _)| *bound).unwrap_or_default();
        Advice { workers: workers.max(1), reason }
    }

    /// What bounds that number, each with a phrase for people; the number is the least of them.
    pub fn bounds(&self, groups: usize, memory_per_worker: u64) -> [(usize, String); 4] {
        let by_memory = usize::try_from(self.memory / memory_per_worker.max(1)).unwrap_or(usize::MAX);
        [
            (groups, plural(groups, "test group")),
            (by_memory, format!("{} MiB of free memory", self.memory >> 20)),
            (self.quota, plural(self.quota, "processor") + " by the control group's quota"),
            (self.affinity, plural(self.affinity, "processor")),
        ]
    }
}

fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: Machine = Machine { affinity: 8, quota: 8, memory: 64 << 30 };

    #[test]
    fn processors_bound_the_workers() {
        let advice = MACHINE.advise(1000, MEMORY_PER_WORKER);
        assert_eq!(advice, Advice { workers: 8, reason: "8 processors".into() });
    }

    #[test]
    fn a_quota_counts_when_it_is_less() {
        let advice = Machine { quota: 2, ..MACHINE }.advise(1000, MEMORY_PER_WORKER);
        assert_eq!(advice, Advice { workers: 2, reason: "2 processors by the control group's quota".into() });
    }

    #[test]
    fn little_memory_bounds_the_workers() {
        let advice = Machine { memory: 1 << 30, ..MACHINE }.advise(1000, MEMORY_PER_WORKER);
        assert_eq!(advice, Advice { workers: 2, reason: "1024 MiB of free memory".into() });
    }

    #[test]
    fn every_bound_is_told() {
        let bounds = Machine { quota: 2, memory: 2 << 30, ..MACHINE }.bounds(7, MEMORY_PER_WORKER);
        assert_eq!(bounds.map(|(bound, _)| bound), [7, 4, 2, 8]);
    }

    #[test]
    fn there_is_always_one_worker() {
        assert_eq!(Machine { memory: 0, ..MACHINE }.advise(0, MEMORY_PER_WORKER).workers, 1);
    }

    #[test]
    fn this_machine_has_a_processor_and_memory() {
        let machine = Machine::sense();
        assert!(machine.affinity >= machine.quota && machine.quota >= 1 && machine.memory > 0);
    }
}
