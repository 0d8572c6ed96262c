//! What the engine knows about the worker on one slot.

use std::time::Duration;

use crate::ids::TestId;
use crate::policy::{Escalation, TestClock, Watch};
use crate::run::queue::Queue;

/// How far a worker's process has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Phase {
    /// There is no process.
    #[default]
    Vacant,
    /// It was asked for and has not spoken yet.
    Starting,
    /// It runs tests or waits for some.
    Working,
    /// It was told to finish.
    Finishing,
    /// It has said goodbye; its process still has to exit.
    Finished,
}

/// What the last process on a slot means for the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Legacy {
    /// Nothing: there was none, or it left when there was no more for it.
    #[default]
    None,
    /// It made room for a fresh one.
    Recycled,
    /// It did not end as it should: the next one is a replacement.
    Lost,
    /// None could be had, too often: there will be no next.
    GivenUp,
}

/// The worker on one slot.
#[derive(Clone, Debug, Default)]
pub(super) struct Worker {
    pub(super) phase: Phase,
    /// How many `Run`, `Idle` and `Finish` this process was sent.
    pub(super) sent: u32,
    /// It waits for a command that it was promised, or for its first.
    pub(super) resting: bool,
    /// Handed out, not started.
    pub(super) queue: Queue,
    pub(super) running: Option<RunningTest>,
    /// Runs while the worker owes something other than a test.
    pub(super) watch: Option<Watch>,
    pub(super) escalation: Option<Escalation>,
    /// It said that the session is to stop.
    pub(super) asked_to_stop: bool,
    /// Tests that ended on it.
    pub(super) ended: u32,
    /// Its own memory when last measured, in bytes.
    pub(super) memory: u64,
    /// What becomes of the slot.
    pub(super) legacy: Legacy,
    /// How often in a row no worker could be had here, or was killed before it had ended a test.
    pub(super) failures: u32,
    /// No start before this moment.
    pub(super) not_before: Duration,
}

/// A test in progress.
#[derive(Clone, Debug)]
pub(super) struct RunningTest {
    pub(super) test: TestId,
    pub(super) estimate: Duration,
    pub(super) clock: TestClock,
    /// How often it was named for being slow.
    pub(super) named_slow: u32,
    /// The tests behind it were taken away because it runs too long.
    pub(super) relieved: bool,
}

impl Worker {
    /// A process was asked for.
    pub(super) fn starting(&mut self, watch: Watch) {
        let (failures, not_before) = (self.failures, self.not_before);
        *self = Self { phase: Phase::Starting, watch: Some(watch), failures, not_before, ..Self::default() };
    }

    pub(super) fn is_alive(&self) -> bool {
        self.phase != Phase::Vacant
    }

    /// Whether a process may be started here.
    pub(super) fn is_vacant(&self) -> bool {
        !self.is_alive() && self.legacy != Legacy::GivenUp
    }

    /// Whether it may be sent commands about tests.
    pub(super) fn is_working(&self) -> bool {
        self.phase == Phase::Working && !self.is_being_ended()
    }

    /// It was told to die; what it says from now on no longer counts.
    pub(super) fn is_being_ended(&self) -> bool {
        self.escalation.as_ref().is_some_and(Escalation::is_final)
    }

    /// Whether nothing at all happens there.
    pub(super) fn is_quiet(&self) -> bool {
        !self.is_alive() || (self.phase == Phase::Working && self.resting && self.is_empty())
    }

    /// Whether it has no test, neither running nor waiting.
    pub(super) fn is_empty(&self) -> bool {
        self.running.is_none() && self.queue.is_empty()
    }

    /// Whether the worker owes something other than a test. What its test shares has a clock of its own.
    pub(super) fn owes_progress(&self) -> bool {
        self.running.is_none() && self.is_alive() && !(self.phase == Phase::Working && self.resting)
    }

    /// The estimated time until it is free. A test past its estimate is thought to take as long again.
    pub(super) fn busy_time(&self, now: Duration) -> Duration {
        let running = self.running.as_ref().map_or(Duration::ZERO, |running| {
            let elapsed = running.clock.elapsed(now);
            running.estimate.checked_sub(elapsed).unwrap_or(elapsed)
        });
        running + self.queue.time()
    }
}
