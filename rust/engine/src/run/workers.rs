//! Workers come and go.

use crate::command::{Command, Notice, RetryCause};
use crate::event::Death;
use crate::ids::Slot;
use crate::policy::{Cause, Escalation, Watch};
use crate::run::worker::{Legacy, Phase, Worker};
use crate::run::{PassedLimit, Run};
use crate::verdict::Verdict;

impl Run {
    pub(super) fn on_worker_ready(&mut self, slot: Slot) {
        let Some(worker) = self.worker_mut(slot).filter(|worker| worker.phase == Phase::Starting) else { return };
        if worker.is_being_ended() {
            return;
        }
        (worker.phase, worker.resting) = (Phase::Working, true);
        self.plan.heard(slot);
        self.seeks_missing = true;
        self.forgive_worker(slot);
        self.watch_worker(slot);
        self.serve(slot);
    }

    pub(super) fn on_worker_finished(&mut self, slot: Slot) {
        let Some(worker) = self.worker_mut(slot).filter(|worker| worker.phase != Phase::Vacant) else { return };
        if worker.is_being_ended() || worker.phase == Phase::Finished {
            return;
        }
        let told = worker.phase == Phase::Finishing || worker.asked_to_stop;
        (worker.phase, worker.resting) = (Phase::Finished, false);
        if !told {
            worker.legacy = Legacy::Lost;
        }
        self.forgive_worker(slot);
        self.watch_worker(slot);
    }

    pub(super) fn on_worker_died(&mut self, slot: Slot, death: Death) {
        let alive = self.worker_mut(slot).filter(|worker| worker.is_alive());
        let Some(mut worker) = alive.map(std::mem::take) else { return };
        if let Some(running) = &worker.running {
            let verdict = verdict_of_death(&worker);
            self.plan.ended(slot, running.test);
            self.end_with_worker(slot, running.test, verdict);
        } else if is_lost(&worker, death) {
            let finishing = matches!(worker.phase, Phase::Finishing | Phase::Finished);
            let hung = worker.escalation.as_ref().is_some_and(Escalation::has_acted);
            self.commands.push(Command::WorkerLost { slot, finishing, hung });
        }
        self.return_tests(slot, worker.queue.take_last(usize::MAX));
        self.plan.abandon(slot);
        self.vacate(slot, &worker, death);
        self.on_debugger_done(slot);
    }

    pub(super) fn on_start_failed(&mut self, slot: Slot) {
        let starting = self.worker(slot).is_some_and(|worker| worker.phase == Phase::Starting);
        if let Some(worker) = self.worker_mut(slot).filter(|_| starting).map(std::mem::take) {
            self.vacate(slot, &worker, Death::Unknown);
        }
    }

    /// Start as many workers as can be of use, whatever is split later.
    pub(super) fn fill_first_slots(&mut self) {
        let useful = self.plan.most_workers().min(self.crew_limit());
        for slot in self.slots().take(useful) {
            if self.stop.is_none() && self.may_start_on(slot) {
                self.start_worker(slot);
            }
        }
    }

    /// Start workers on vacant slots while there is more to do than there are workers at rest. Slots whose worker was
    /// lost come first, because they spend the budget, then those whose worker made room.
    pub(super) fn fill_slots(&mut self) {
        let may_not = self.stop.is_some() || self.plan.is_serial() || self.stands_still();
        if !self.started || may_not || !self.has_room_in_crew() {
            return;
        }
        let mut slots: Vec<_> = self.slots().filter(|slot| self.may_start_on(*slot)).collect();
        slots.sort_by_key(|slot| {
            let worker = &self.workers[slot.index()];
            (worker.legacy != Legacy::Lost, worker.legacy != Legacy::Recycled)
        });
        for slot in slots {
            if !self.has_room_in_crew() || !self.is_wanted_on(slot) {
                continue;
            }
            if !self.start_worker(slot) {
                return self.stop_for_restarts();
            }
        }
    }

    /// Whether a slot only waits for its pause to end.
    pub(super) fn waits_for_pause(&self, slot: Slot) -> bool {
        self.stop.is_none()
            && self.worker(slot).is_some_and(|worker| worker.is_vacant() && worker.not_before > self.now)
    }

    /// Start or reset the clock on what this worker owes.
    pub(super) fn watch_worker(&mut self, slot: Slot) {
        let watch = Watch::new(self.now, Some(self.limits().worker));
        if let Some(worker) = self.worker_mut(slot) {
            worker.watch = worker.owes_progress().then_some(watch);
        }
    }

    /// The worker went on in time: it need not go after all.
    pub(super) fn forgive_worker(&mut self, slot: Slot) {
        let Some(worker) = self.worker_mut(slot) else { return };
        worker.escalation.take_if(|escalation| escalation.cause() == Cause::WorkerLimit && !escalation.has_acted());
    }

    fn may_start_on(&self, slot: Slot) -> bool {
        self.worker(slot).is_some_and(|worker| worker.is_vacant() && worker.not_before <= self.now)
    }

    /// Slots that pause or were given up count: what failed there would fail elsewhere.
    pub(super) fn has_room_in_crew(&self) -> bool {
        let pauses = |worker: &Worker| worker.is_vacant() && worker.not_before > self.now;
        let failed = |worker: &&Worker| worker.legacy == Legacy::GivenUp || pauses(worker);
        self.crew() + self.workers.iter().filter(failed).count() < self.crew_limit()
    }

    /// Whether a worker on this slot would find something to do. The successor of one that made room may find that only
    /// in what others have begun.
    fn is_wanted_on(&self, slot: Slot) -> bool {
        let at_hand = self.workers_at_hand();
        let succeeds = self.worker(slot).is_some_and(|worker| worker.legacy == Legacy::Recycled);
        self.plan.pieces() > at_hand || (succeeds && at_hand == 0 && self.plan.has_more_for(slot))
    }

    fn workers_at_hand(&self) -> usize {
        let at_hand = |slot: &Slot| {
            self.worker(*slot).is_some_and(|worker| {
                let rests = worker.is_working() && worker.resting;
                worker.phase == Phase::Starting || (rests && self.plan.has_work_for(*slot))
            })
        };
        self.slots().filter(at_hand).count()
    }

    /// The clock on a worker's start.
    pub(super) fn start_watch(&self) -> Watch {
        Watch::new(self.now, Some(self.limits().worker))
    }

    /// `false` if the budget is spent.
    fn start_worker(&mut self, slot: Slot) -> bool {
        let watch = self.start_watch();
        let worker = &mut self.workers[slot.index()];
        if worker.legacy == Legacy::Lost && !self.restarts.spend() {
            return false;
        }
        worker.starting(watch);
        self.commands.push(Command::StartWorker { slot });
        true
    }

    /// Clear a slot after its last process, and remember what the next one has to know.
    fn vacate(&mut self, slot: Slot, last: &Worker, death: Death) {
        self.seeks_missing = true;
        let legacy = if has_left_cleanly(last) { last.legacy } else { Legacy::Lost };
        self.workers[slot.index()] = match blameless(last, death) {
            Some(cause) => self.retried(slot, cause, last.failures.saturating_add(1)),
            None => Worker { legacy, ..Worker::default() },
        };
    }

    /// The vacant slot after a failure that is no test's fault: there is a pause before the next attempt, if there is one.
    fn retried(&mut self, slot: Slot, cause: RetryCause, failures: u32) -> Worker {
        let vacant = Worker { failures, ..Worker::default() };
        if self.stop.is_some() {
            return vacant;
        }
        if let Some(delay) = self.config.retries.pause(u64::from(slot.0), failures) {
            self.tell(Notice::Retry { slot, cause, attempt: failures, delay });
            return Worker { not_before: self.now.saturating_add(delay), ..vacant };
        }
        self.tell(Notice::GivenUp { slot, cause, attempts: failures });
        Worker { legacy: Legacy::GivenUp, ..vacant }
    }
}

/// What the infrastructure did to a worker whose process is gone, if it was neither a test nor the engine. One that has
/// not begun a test has not got through its start, however it ended.
fn blameless(worker: &Worker, death: Death) -> Option<RetryCause> {
    if has_left_cleanly(worker) || worker.running.is_some() {
        return None;
    }
    if worker.ended == 0 {
        return Some(RetryCause::Start);
    }
    let ended_by_us = worker.escalation.as_ref().is_some_and(Escalation::has_acted);
    (!ended_by_us && death.is_from_outside()).then_some(RetryCause::Killed)
}

/// What becomes of the test that ran on a worker that died.
fn verdict_of_death(worker: &Worker) -> Verdict {
    match &worker.escalation {
        Some(escalation) if passed(escalation).is_some() => Verdict::Timeout,
        Some(escalation) if escalation.cause() == Cause::Interrupted && escalation.has_acted() => Verdict::NotRun,
        _ if worker.asked_to_stop => Verdict::NotRun,
        _ => Verdict::Crashed,
    }
}

/// The limit that was reached: a test that dies while its stacks are written has run too long all the same.
pub(super) fn passed(escalation: &Escalation) -> Option<PassedLimit> {
    match escalation.cause() {
        Cause::TestLimit => escalation.has_begun().then_some(PassedLimit::Test),
        Cause::SharedLimit => escalation.has_begun().then_some(PassedLimit::Worker),
        Cause::RunLimit => escalation.has_begun().then_some(PassedLimit::Run),
        Cause::WorkerLimit => escalation.has_acted().then_some(PassedLimit::Worker),
        Cause::Interrupted => None,
    }
}

/// Whether a death outside of any test is an error of its own.
fn is_lost(worker: &Worker, death: Death) -> bool {
    match &worker.escalation {
        Some(escalation) if escalation.has_acted() => escalation.cause() == Cause::WorkerLimit,
        // An exit handler can still go wrong after the goodbye.
        _ => !has_left_cleanly(worker) || !matches!(death, Death::Exited(0) | Death::Unknown),
    }
}

/// Whether nothing is wrong with the end of this process: it had finished as told, or had said that it stops.
fn has_left_cleanly(worker: &Worker) -> bool {
    let finished = worker.phase == Phase::Finished && worker.legacy != Legacy::Lost;
    let left = finished && worker.running.is_none() && !worker.is_being_ended();
    left || worker.asked_to_stop
}
