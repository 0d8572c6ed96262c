//! What the supervisor measures for the engine: memory of workers, load of the machine.

use std::time::{Duration, Instant};

use engine::{Event, Slot};

use super::Supervisor;
use super::worker::Stage;
use crate::sense::{Gauge, owned, resident};

/// Between two looks at the memory of all workers. A test that takes 100 MB a second is found out 10 MB later; a look
/// at the resident set costs some 10 µs a worker.
const MEMORY_INTERVAL: Duration = Duration::from_millis(100);

/// Between two measurements of the load: 25 of the kernel's ticks on each processor.
const LOAD_INTERVAL: Duration = Duration::from_millis(250);

/// To know what a worker owns the kernel walks through all of its memory (1 ms for 200 MB). For each such look there is
/// so many times its length without one.
const REST: u32 = 50;

/// What is to be measured.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sensing {
    /// A worker that owns more memory than so many bytes is of interest.
    pub memory_limit: Option<u64>,
    /// Whether the load of the machine is.
    pub load: bool,
}

/// When what is measured next.
pub(super) struct Gauges {
    sensing: Sensing,
    gauge: Gauge,
    memory_at: Duration,
    load_at: Duration,
    /// No look at what workers own before.
    look_at: Duration,
    /// Whose turn it is.
    turn: usize,
}

impl Gauges {
    pub(super) fn new(sensing: Sensing) -> Self {
        let [memory_at, load_at, look_at] = [Duration::ZERO; 3];
        Self { sensing, gauge: Gauge::new(), memory_at, load_at, look_at, turn: 0 }
    }

    /// When something is to be measured; `None` = never.
    pub(super) fn deadline(&self) -> Option<Duration> {
        let memory = self.sensing.memory_limit.map(|_| self.memory_at);
        let load = self.sensing.load.then_some(self.load_at);
        memory.into_iter().chain(load).min()
    }
}

impl Supervisor {
    /// Measures what is due, and tells the engine.
    pub(super) fn measure(&mut self) {
        let now = self.clock.now();
        if self.halted_since.is_some() || self.gauges.deadline().is_none_or(|deadline| deadline > now) {
            return;
        }
        if let Some(limit) = self.gauges.sensing.memory_limit.filter(|_| self.gauges.memory_at <= now) {
            self.gauges.memory_at = now + MEMORY_INTERVAL;
            self.look_for_larger(limit);
        }
        if self.gauges.sensing.load && self.gauges.load_at <= now {
            self.gauges.load_at = now + LOAD_INTERVAL;
            self.look_at_next();
            if let Some(load) = self.gauges.gauge.measure(now) {
                self.feed(Event::LoadMeasured(load));
            }
        }
    }

    /// A worker whose whole resident set is within the limit owns no more than that.
    fn look_for_larger(&mut self, limit: u64) {
        for (slot, pid) in self.alive() {
            if resident(pid).is_some_and(|resident| resident > limit) {
                self.look_at(slot, pid);
            }
        }
    }

    /// What one worker owns says what the next would.
    fn look_at_next(&mut self) {
        let alive = self.alive();
        if !alive.is_empty() {
            self.gauges.turn = (self.gauges.turn + 1) % alive.len();
            let (slot, pid) = alive[self.gauges.turn];
            self.look_at(slot, pid);
        }
    }

    fn look_at(&mut self, slot: Slot, pid: i32) {
        let now = self.clock.now();
        if now < self.gauges.look_at {
            return;
        }
        let began = Instant::now();
        let bytes = owned(pid);
        self.gauges.look_at = now + began.elapsed() * REST;
        if let Some(bytes) = bytes {
            self.feed(Event::MemoryMeasured { slot, bytes });
        }
    }

    fn alive(&self) -> Vec<(Slot, i32)> {
        let alive = self.workers.iter().flatten().filter(|worker| worker.stage == Stage::Alive);
        alive.filter_map(|worker| Some((worker.slot, worker.pid?.as_raw_nonzero().get()))).collect()
    }
}
