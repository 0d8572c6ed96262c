//! The run ends before its time.

use crate::command::Ending;
use crate::event::StopKind;
use crate::ids::Slot;
use crate::policy::{Cause, Escalation};
use crate::run::Run;
use crate::run::worker::{Legacy, Worker};
use crate::verdict::Verdict;

impl Run {
    pub(super) fn on_stop_asked(&mut self, slot: Slot, kind: StopKind) {
        let Some(worker) = self.worker_mut(slot).filter(|worker| worker.is_alive()) else { return };
        worker.asked_to_stop |= kind != StopKind::ShouldStop;
        if kind != StopKind::ShouldStop {
            self.close_debuggers();
        }
        self.stop(match kind {
            StopKind::KeyboardInterrupt => Ending::Interrupted,
            StopKind::ShouldStop | StopKind::Exit | StopKind::InternalError => Ending::Stopped,
        });
    }

    /// The first is polite, the second is not.
    pub(super) fn on_interrupted(&mut self) {
        self.interrupts = self.interrupts.saturating_add(1);
        // Whoever ends the run does not wait for a prompt.
        self.go_on();
        self.stop(Ending::Interrupted);
        let (now, grace) = (self.now, self.limits().grace);
        for worker in self.workers.iter_mut().filter(|worker| worker.is_alive()) {
            if self.interrupts == 1 {
                worker.escalation.get_or_insert_with(|| Escalation::after_interrupt(now, grace));
            } else {
                worker.escalation.get_or_insert_with(|| Escalation::at_once(now)).hasten(now);
            }
        }
    }

    /// Running tests are ended now; workers without one have the grace to leave.
    pub(super) fn stop_at_run_limit(&mut self) {
        self.stop(Ending::RunTimeout);
        let (now, limits) = (self.now, self.limits());
        for worker in self.workers.iter_mut().filter(|worker| worker.is_alive()) {
            let at = if worker.running.is_some() { now } else { now.saturating_add(limits.grace) };
            worker.escalation.get_or_insert_with(|| Escalation::at_limit(Cause::RunLimit, at, limits));
        }
    }

    pub(super) fn stop_for_restarts(&mut self) {
        self.stop(Ending::RestartsSpent);
    }

    /// Where nobody is left and nobody can be started, waiting is of no use.
    pub(super) fn stop_without_workers(&mut self) {
        let given_up = self.workers.iter().filter(|worker| worker.legacy == Legacy::GivenUp).count();
        if given_up > 0 && given_up >= self.crew_limit() && !self.workers.iter().any(Worker::is_alive) {
            self.stop(Ending::RetriesSpent);
        }
    }

    /// Nothing more starts: take everything back, let workers at rest go. Running tests go on.
    pub(super) fn stop(&mut self, ending: Ending) {
        if let Some(earlier) = self.stop {
            if severity(ending) > severity(earlier) {
                self.stop = Some(ending);
            }
            return;
        }
        self.stop = Some(ending);
        self.convict_all();
        for slot in self.slots() {
            self.take_back(slot);
        }
        for test in self.plan.drain() {
            self.settle(test, None, Verdict::NotRun);
        }
        let resting = |worker: &Worker| worker.is_working() && worker.resting;
        for slot in self.slots() {
            if self.worker(slot).is_some_and(resting) {
                self.finish(slot);
            }
        }
        self.answer_questions();
    }
}

/// Which of two reasons is told: what the user did, then what the clock did, then whichever came first.
fn severity(ending: Ending) -> u8 {
    match ending {
        Ending::Completed => 0,
        Ending::MaxFailures | Ending::Stopped | Ending::RestartsSpent | Ending::RetriesSpent => 1,
        Ending::RunTimeout => 2,
        Ending::Interrupted => 3,
    }
}
