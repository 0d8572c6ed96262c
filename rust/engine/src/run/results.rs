//! Tests start, end, and get their verdicts.

use crate::command::{Command, Ending};
use crate::event::{FixtureSetUp, Timing};
use crate::ids::{Slot, TestId};
use crate::policy::{Cause, Escalation, TestClock};
use crate::run::Run;
use crate::run::worker::{RunningTest, Worker};
use crate::verdict::Verdict;

/// What a worker said about a test that is over.
pub(super) struct Outcome {
    pub(super) verdict: Verdict,
    pub(super) failures: u32,
    pub(super) timing: Timing,
    pub(super) set_ups: Vec<FixtureSetUp>,
}

impl Run {
    pub(super) fn on_test_started(&mut self, slot: Slot, test: TestId) {
        let limit = self.test_limits.get(test.index()).copied().flatten();
        let clock = TestClock::new(self.now, self.time.lost(), limit, self.limits().worker);
        let Some(worker) = self.worker_mut(slot).filter(|worker| !worker.is_being_ended()) else { return };
        if worker.running.is_some() {
            return;
        }
        let Some(handed) = worker.queue.pop(test) else { return };
        let estimate = handed.estimate;
        worker.running = Some(RunningTest { test, estimate, clock, named_slow: 0, relieved: false });
        self.forgive_worker(slot);
        self.watch_worker(slot);
    }

    pub(super) fn on_test_ended(&mut self, slot: Slot, test: TestId, outcome: &Outcome) {
        let Some(worker) = self.worker_mut(slot).filter(|worker| !worker.is_being_ended()) else { return };
        if worker.running.take_if(|running| running.test == test).is_none() {
            return;
        }
        (worker.ended, worker.failures) = (worker.ended.saturating_add(1), 0);
        self.give_time_to_leave(slot);
        self.plan.ended(slot, test);
        self.learn(test, outcome);
        let verdict = self.accepted(slot, outcome.verdict);
        self.settle(test, Some(slot), verdict);
        let failed = matches!(verdict, Verdict::Failed | Verdict::Error);
        self.count_failures(outcome.failures.max(u32::from(failed)));
        self.watch_worker(slot);
        self.top_up(slot);
    }

    pub(super) fn on_error_between_tests(&mut self, slot: Slot, failures: u32) {
        if self.worker(slot).is_some_and(Worker::is_alive) {
            self.count_failures(failures);
        }
    }

    /// Give a test its one verdict.
    pub(super) fn settle(&mut self, test: TestId, slot: Option<Slot>, verdict: Verdict) {
        if let Some(empty @ None) = self.verdicts.get_mut(test.index()) {
            *empty = Some(verdict);
            self.unsettled -= 1;
            self.commands.push(Command::Settle { test, slot, verdict });
        }
    }

    /// Failures end the run when there are too many of them.
    pub(super) fn count_failures(&mut self, failures: u32) {
        self.failures = self.failures.saturating_add(failures);
        let most = self.config.max_failures.filter(|most| *most > 0);
        if failures > 0 && most.is_some_and(|most| self.failures >= most) {
            self.stop(Ending::MaxFailures);
        }
    }

    /// A worker can only report what it can know; Ctrl-C in a test it can.
    fn accepted(&self, slot: Slot, verdict: Verdict) -> Verdict {
        let interrupted =
            self.stop == Some(Ending::Interrupted) || self.worker(slot).is_some_and(|worker| worker.asked_to_stop);
        match verdict {
            Verdict::NotRun if interrupted => Verdict::NotRun,
            verdict if verdict.is_reported() => verdict,
            _ => Verdict::Error,
        }
    }

    fn learn(&mut self, test: TestId, outcome: &Outcome) {
        let seconds = outcome.verdict.is_typical().then(|| outcome.timing.own());
        self.plan.learn(test, seconds, &outcome.set_ups);
    }

    /// The test ended before its worker was told to end, but the whole run is out of time: there is a grace to leave.
    fn give_time_to_leave(&mut self, slot: Slot) {
        let (now, limits) = (self.now, self.limits());
        let escalation = self.worker_mut(slot).and_then(|worker| worker.escalation.as_mut());
        if let Some(escalation) = escalation.filter(|escalation| escalation.cause() == Cause::RunLimit) {
            *escalation = Escalation::at_limit(Cause::RunLimit, now.saturating_add(limits.grace), limits);
        }
    }
}
