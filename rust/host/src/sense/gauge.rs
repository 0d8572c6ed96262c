//! How busy the machine was since the last look, as far as this run is concerned.

use std::time::Duration;

use engine::Load;

use super::memory::Supply;
use super::places::{Places, lines};

/// Fields of a line of `/proc/stat`, counted from the one after the name; together they are all of a processor's time.
const TIMES: usize = 8;
const IDLE_TIMES: [usize; 2] = [3, 4];

/// Counters that only ever grow.
#[derive(Clone, Copy, Debug, Default)]
struct Counters {
    /// Time of the processors that this process may use, in the kernel's ticks.
    idle: u64,
    all: u64,
    /// Microseconds used within the quota, if there is one.
    used: f64,
    /// Microseconds for which somebody waited.
    cpu_waits: Option<f64>,
    memory_waits: Option<f64>,
}

/// Measures the load between one look and the next.
#[derive(Debug)]
pub struct Gauge {
    places: Places,
    processors: Vec<usize>,
    before: Option<(Duration, Counters)>,
}

impl Gauge {
    /// For the machine and the control groups of this process.
    pub fn new() -> Self {
        let allowed = rustix::thread::sched_getaffinity(None).ok();
        let is_allowed = |cpu: &usize| allowed.as_ref().is_some_and(|allowed| allowed.is_set(*cpu));
        Self::of(Places::here(), (0..rustix::thread::CpuSet::MAX_CPU).filter(is_allowed).collect())
    }

    fn of(places: Places, processors: Vec<usize>) -> Self {
        Self { places, processors, before: None }
    }

    /// The load since the last call; `None` at the first, or where the kernel does not tell.
    pub fn measure(&mut self, now: Duration) -> Option<Load> {
        let stat = lines(&self.places.proc("stat"));
        let quota = self.places.quota();
        let counters = self.count(&stat, quota.map_or(0.0, |(_, used)| used))?;
        let (since, before) = self.before.replace((now, counters))?;
        let window = now.saturating_sub(since).as_secs_f64() * 1e6;
        let supply = Supply::sense(&self.places)?;
        let waited = |now: Option<f64>, before: Option<f64>| Some(share(now? - before?, window));
        let mut idle =
            share((counters.idle.checked_sub(before.idle)?) as f64, counters.all.checked_sub(before.all)? as f64);
        if let Some((processors, _)) = quota {
            idle = idle.min(1.0 - share(counters.used - before.used, window * processors));
        }
        Some(Load {
            idle,
            cpu_pressure: waited(counters.cpu_waits, before.cpu_waits).unwrap_or_else(|| self.crowding(&stat)),
            memory_pressure: waited(counters.memory_waits, before.memory_waits).unwrap_or(0.0),
            free: supply.free,
            total: supply.total,
        })
    }

    fn count(&self, stat: &[String], used: f64) -> Option<Counters> {
        let mut counters = Counters {
            used,
            cpu_waits: waits(&self.places, "cpu"),
            memory_waits: waits(&self.places, "memory"),
            ..Counters::default()
        };
        for line in stat.iter().filter(|line| self.is_ours(line)) {
            let times: Vec<u64> = line.split_whitespace().skip(1).map_while(|time| time.parse().ok()).collect();
            counters.all += times.iter().take(TIMES).sum::<u64>();
            counters.idle += IDLE_TIMES.iter().filter_map(|index| times.get(*index)).sum::<u64>();
        }
        (counters.all > 0).then_some(counters)
    }

    fn is_ours(&self, line: &str) -> bool {
        let number = line.strip_prefix("cpu").and_then(|rest| rest.split(' ').next()?.parse().ok());
        number.is_some_and(|number: usize| self.processors.contains(&number))
    }

    /// In place of a measured pressure: whether more want to run now than there are processors.
    fn crowding(&self, stat: &[String]) -> f64 {
        let running = stat.iter().find_map(|line| line.strip_prefix("procs_running ")?.trim().parse::<usize>().ok());
        if running.is_some_and(|running| running > self.processors.len()) { 1.0 } else { 0.0 }
    }
}

impl Default for Gauge {
    fn default() -> Self {
        Self::new()
    }
}

/// Microseconds for which somebody waited, as `/proc/pressure` counts them.
fn waits(places: &Places, of: &str) -> Option<f64> {
    let told = lines(&places.pressure(of));
    let some = told.iter().find(|line| line.starts_with("some "))?;
    some.rsplit_once("total=")?.1.trim().parse().ok()
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { (part / whole).clamp(0.0, 1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::super::places::testing::Machine;
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn machine(stat: &str) -> Machine {
        let machine = Machine::new();
        machine.proc("meminfo", "MemTotal: 100 kB\nMemAvailable: 50 kB\n");
        machine.proc("stat", stat);
        machine
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn only_processors_of_ours_count() {
        let machine = machine("cpu  0 0 0 0\ncpu0 100 0 0 100 0 0 0 0\ncpu1 0 0 0 0 0 0 0 0\nprocs_running 1\n");
        let mut gauge = Gauge::of(machine.places(), vec![0]);
        assert_eq!(gauge.measure(SECOND), None);
        machine.proc("stat", "cpu  0 0 0 0\ncpu0 130 0 0 150 20 0 0 0\ncpu1 999 0 0 0 0 0 0 0\nprocs_running 2\n");
        let load = gauge.measure(2 * SECOND).unwrap();
        assert!(close(load.idle, 0.7), "{load:?}");
        assert!(close(load.cpu_pressure, 1.0), "{load:?}");
        assert_eq!((load.free, load.total), (51_200, 102_400));
    }

    #[test]
    fn waiting_is_a_share_of_the_time_between() {
        let machine = machine("cpu0 0 0 0 1\n");
        machine.proc("pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=1000\nfull avg10=0.00 total=7\n");
        machine.proc("pressure/memory", "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n");
        let mut gauge = Gauge::of(machine.places(), vec![0]);
        gauge.measure(SECOND);
        machine.proc("stat", "cpu0 0 0 0 2\n");
        machine.proc("pressure/cpu", "some avg10=0.00 avg60=0.00 avg300=0.00 total=251000\nfull total=7\n");
        let load = gauge.measure(2 * SECOND).unwrap();
        assert!(close(load.cpu_pressure, 0.25) && close(load.memory_pressure, 0.0), "{load:?}");
    }

    #[test]
    fn used_up_quota_leaves_nothing_idle() {
        let machine = machine("cpu0 0 0 0 1\n");
        machine.proc("self/cgroup", "0::/\n");
        machine.sys("cgroup.controllers", "cpu\n");
        machine.sys("cpu.max", "50000 100000\n");
        machine.sys("cpu.stat", "usage_usec 0\n");
        let mut gauge = Gauge::of(machine.places(), vec![0]);
        gauge.measure(SECOND);
        machine.proc("stat", "cpu0 0 0 0 101\n");
        machine.sys("cpu.stat", "usage_usec 500000\n");
        assert!(close(gauge.measure(2 * SECOND).unwrap().idle, 0.0));
    }

    #[test]
    fn this_machine_can_be_measured() {
        let mut gauge = Gauge::new();
        gauge.measure(Duration::ZERO);
        std::thread::sleep(Duration::from_millis(50));
        let load = gauge.measure(Duration::from_millis(50)).unwrap();
        assert!((0.0..=1.0).contains(&load.idle) && 0 < load.free && load.free <= load.total, "{load:?}");
    }
}
