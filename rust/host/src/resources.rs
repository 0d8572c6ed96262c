//! What the machine has just now, for people and scripts that ask.

use std::path::Path;
use std::thread;

use sysinfo::{CpuRefreshKind, MINIMUM_CPU_UPDATE_INTERVAL, MemoryRefreshKind, RefreshKind, System};

use crate::sense::Machine;

/// A look at the machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resources {
    /// Whole processors that this process may use.
    pub processors: usize,
    /// How busy all processors are, from 0 to 100.
    pub busy: f64,
    /// Memory that can be had without swapping, in bytes, within the control group's limit.
    pub memory_available: u64,
    /// Memory of the machine or the control group, in bytes.
    pub memory_total: u64,
    /// Room for this user on the disk of a folder, in bytes.
    pub disk_free: u64,
}

impl Resources {
    /// Watches the processors for as long as the kernel's counters need (a fifth of a second), and looks at the rest.
    pub fn look(folder: &Path) -> std::io::Result<Self> {
        let machine = Machine::sense();
        let kinds = RefreshKind::nothing()
            .with_cpu(CpuRefreshKind::nothing().with_usage())
            .with_memory(MemoryRefreshKind::nothing().with_ram());
        let mut system = System::new_with_specifics(kinds).map_err(std::io::Error::other)?;
        thread::sleep(MINIMUM_CPU_UPDATE_INTERVAL);
        system.refresh_cpu_usage();
        let disk = rustix::fs::statvfs(folder)?;
        let limit = system.cgroup_limits().map_or(u64::MAX, |limits| limits.total_memory);
        Ok(Self {
            processors: machine.quota,
            busy: f64::from(system.global_cpu_usage()).clamp(0.0, 100.0),
            memory_available: machine.memory,
            memory_total: system.total_memory().min(limit),
            disk_free: disk.f_bavail.saturating_mul(disk.f_frsize),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_seen() {
        let found = Resources::look(Path::new("/")).unwrap();
        assert!(found.processors >= 1 && (0.0..=100.0).contains(&found.busy));
        assert!(0 < found.memory_available && found.memory_available <= found.memory_total);
        assert!(Resources::look(Path::new("/no/such/folder")).is_err());
    }
}
