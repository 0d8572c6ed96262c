//! Workers that collect by themselves, and tests that they do not find.

use crate::ids::{Slot, TestId};
use crate::run::Run;
use crate::run::worker::{Phase, Worker};
use crate::verdict::Verdict;

impl Run {
    /// Somebody started it before the run began.
    pub(super) fn on_already_started(&mut self, slot: Slot) {
        let watch = self.start_watch();
        if let Some(worker) = self.worker_mut(slot).filter(|worker| !worker.is_alive()) {
            worker.starting(watch);
        }
    }

    pub(super) fn on_lacking(&mut self, slot: Slot, tests: Vec<TestId>) {
        let lacked = tests.into_iter().filter(|test| self.may_lack(slot, *test)).collect();
        self.plan.lack(slot, lacked);
    }

    /// Tests that no worker has get their verdict as soon as nobody is on the way who might have them.
    pub(super) fn give_up_missing_tests(&mut self) {
        if !self.seeks_missing || !self.plan.has_rare_tests() || self.stop.is_some() {
            return;
        }
        let on_the_way = |slot| {
            let starting = self.worker(slot).is_some_and(|worker| worker.phase == Phase::Starting);
            starting || self.waits_for_pause(slot)
        };
        let ready: Vec<_> = self.slots().filter(|slot| self.worker(*slot).is_some_and(Worker::is_working)).collect();
        if ready.is_empty() || self.slots().any(on_the_way) {
            return;
        }
        self.seeks_missing = false;
        for test in self.plan.missing(&ready, self.has_room_in_crew()) {
            if self.stop.is_none() {
                self.plan.remove(test);
                self.settle(test, None, Verdict::Error);
                self.count_failures(1);
            }
        }
    }
}
