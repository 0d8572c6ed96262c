//! Tests go to workers, and come back.

use std::time::Duration;

use crate::command::Command;
use crate::ids::{Slot, TestId};
use crate::run::Run;
use crate::run::worker::{Phase, Worker};
use crate::schedule::{Handed, LONG_TEST, Room};
use crate::verdict::Verdict;

/// A worker gets more when it has less than this part of its horizon left: 10 ms of the 30, so that it never waits.
const LOW_PART: u32 = 3;

/// Near the end, when horizons are short, the supervisor may still take 2 ms to tell that a test ended.
const LOW_WATER: Duration = Duration::from_millis(2);

impl Run {
    pub(super) fn on_next_wanted(&mut self, slot: Slot, seen: u32) {
        let Some(worker) = self.worker(slot).filter(|worker| worker.is_working()) else { return };
        if seen >= worker.sent && worker.queue.is_empty() {
            if self.must_wait(slot) {
                return self.answer_later(slot, seen);
            }
            self.forgive_worker(slot);
            self.serve(slot);
        }
    }

    pub(super) fn on_taken_back(&mut self, slot: Slot, left: u32) {
        let Some(worker) = self.worker_mut(slot) else { return };
        let taken = worker.queue.take_last(left as usize);
        self.return_tests(slot, taken);
    }

    /// Answer a worker that has nothing behind its current test: tests, nothing for now, or nothing any more.
    pub(super) fn serve(&mut self, slot: Slot) {
        if self.stop.is_some() {
            return self.finish(slot);
        }
        if self.must_wait(slot) {
            return;
        }
        let tests = self.plan.take(slot, self.room(slot, true));
        if !tests.is_empty() {
            self.hand(slot, tests);
        } else if self.is_leaving(slot) && !self.plan.is_amid_group(slot) {
            self.retire(slot);
        } else if self.may_bring(slot) {
            self.rest(slot);
        } else {
            self.finish(slot);
        }
    }

    /// Give a worker more before it runs dry. A long test is not worth the risk of waiting behind another.
    pub(super) fn top_up(&mut self, slot: Slot) {
        let Some(worker) = self.worker(slot).filter(|worker| worker.is_working() && self.stop.is_none()) else {
            return;
        };
        if self.must_wait(slot) {
            return;
        }
        let Some(last) = worker.queue.last() else { return };
        if last.estimate >= LONG_TEST || worker.queue.time() > (self.plan.horizon() / LOW_PART).max(LOW_WATER) {
            return;
        }
        let tests = self.plan.take(slot, self.room(slot, false));
        if !tests.is_empty() {
            self.hand(slot, tests);
        }
    }

    /// Workers at rest get what has come free, or leave when nothing more can.
    pub(super) fn wake_resting_workers(&mut self) {
        for slot in self.slots() {
            if self.worker(slot).is_some_and(|worker| worker.is_working() && worker.resting) {
                self.serve(slot);
            }
        }
    }

    /// Take back what this worker has not started.
    pub(super) fn take_back(&mut self, slot: Slot) {
        if self.worker(slot).is_some_and(|worker| worker.is_alive() && !worker.queue.is_empty()) {
            self.commands.push(Command::TakeBack { slot });
        }
    }

    /// Tests that were handed out and not started: others may have them, or nobody will. Latest first.
    pub(super) fn return_tests(&mut self, slot: Slot, tests: impl Iterator<Item = TestId>) {
        if self.stop.is_none() {
            return self.plan.put_back(slot, tests);
        }
        for test in tests {
            self.plan.ended(slot, test);
            self.settle(test, None, Verdict::NotRun);
        }
    }

    /// Whether a running test has gone on for too long for what waits behind it.
    pub(super) fn holds_up_others(&self, slot: Slot) -> bool {
        let Some(worker) = self.worker(slot).filter(|worker| worker.is_working()) else { return false };
        let relieved = worker.running.as_ref().is_none_or(|running| running.relieved);
        !relieved && self.workers.len() > 1 && worker.queue.is_movable()
    }

    fn hand(&mut self, slot: Slot, tests: Vec<Handed>) {
        let ids = tests.iter().map(|handed| handed.test).collect();
        self.send(slot, Command::Run { slot, tests: ids }, |worker| {
            worker.resting = false;
            worker.queue.extend(tests);
        });
    }

    /// Say so once; a worker that has not had its first command rests without being told.
    fn rest(&mut self, slot: Slot) {
        if self.worker(slot).is_some_and(|worker| !worker.resting) {
            self.send(slot, Command::Idle { slot }, |worker| worker.resting = true);
        }
    }

    pub(super) fn finish(&mut self, slot: Slot) {
        self.send(slot, Command::Finish { slot }, |worker| {
            (worker.resting, worker.phase) = (false, Phase::Finishing);
        });
    }

    fn send(&mut self, slot: Slot, command: Command, change: impl FnOnce(&mut Worker)) {
        let Some(worker) = self.worker_mut(slot) else { return };
        worker.sent = worker.sent.saturating_add(1);
        change(worker);
        self.commands.push(command);
        self.watch_worker(slot);
    }

    fn room(&self, slot: Slot, fresh: bool) -> Room {
        let queued = self.worker(slot).map(|worker| worker.queue.time()).unwrap_or_default();
        let others = || self.workers.iter().enumerate().filter(|(index, _)| *index != slot.index());
        Room {
            time: self.plan.horizon().saturating_sub(queued),
            tests: self.allowance(slot),
            leaving: self.is_leaving(slot),
            fresh,
            alone: fresh && others().all(|(_, worker)| worker.is_quiet()),
            busy: if fresh {
                self.workers.iter().map(|worker| worker.busy_time(self.now)).collect()
            } else {
                Vec::new()
            },
        }
    }

    /// Whether this worker should stay although there is nothing for it now.
    fn may_bring(&self, slot: Slot) -> bool {
        let mut others = self.workers.iter().enumerate().filter(|(index, _)| *index != slot.index());
        let asked = !self.suspects.is_empty();
        asked || self.plan.may_bring(slot) || others.any(|(_, worker)| worker.queue.is_movable())
    }
}
