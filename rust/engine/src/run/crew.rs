//! How many workers there are to be, and which of them make room for fresh ones.

use crate::command::{Notice, RecycleCause};
use crate::event::Load;
use crate::ids::Slot;
use crate::policy::Crew;
use crate::run::Run;
use crate::run::worker::{Legacy, Phase, Worker};
use crate::suite::Recycling;

impl Run {
    pub(super) fn on_memory_measured(&mut self, slot: Slot, bytes: u64) {
        let Some(worker) = self.worker_mut(slot).filter(|worker| worker.is_working()) else { return };
        worker.memory = bytes;
        if let Some(scale) = &mut self.scale {
            scale.note_memory(bytes);
        }
    }

    pub(super) fn on_load_measured(&mut self, load: &Load) {
        if !self.started || self.stop.is_some() || self.stands_still() {
            return;
        }
        let crew = Crew { working: self.crew() as u16, wanting: self.would_one_more_help() };
        let now = self.now;
        let Some(scale) = &mut self.scale else { return };
        if let Some(cause) = scale.decide(load, crew, now) {
            let workers = scale.target();
            self.seeks_missing = true;
            self.tell(Notice::Scaled { workers, cause });
        }
    }

    /// Workers that were started and not told to leave.
    pub(super) fn crew(&self) -> usize {
        self.workers.iter().filter(|worker| matches!(worker.phase, Phase::Starting | Phase::Working)).count()
    }

    /// How many there are to be at most. Where workers do not all have the same tests, every slot may be needed.
    pub(super) fn crew_limit(&self) -> usize {
        let scale = self.scale.as_ref().filter(|_| !self.plan.has_rare_tests());
        scale.map_or(self.workers.len(), |scale| usize::from(scale.target()))
    }

    /// Whether a worker goes on only to the end of its group.
    pub(super) fn is_leaving(&self, slot: Slot) -> bool {
        let worn = self.worker(slot).is_some_and(|worker| worker.wear(self.config.recycling).is_some());
        worn || (self.scale.is_some() && self.crew() > self.crew_limit())
    }

    /// How many tests a worker may be handed before it makes room.
    pub(super) fn allowance(&self, slot: Slot) -> usize {
        let Some(most) = self.config.recycling.tests.filter(|_| !self.is_leaving(slot)) else { return usize::MAX };
        self.worker(slot).map_or(0, |worker| most.saturating_sub(worker.handed()) as usize)
    }

    /// Let a worker go that has come to the end of its group. A worn one is succeeded by a fresh one if there is
    /// anything left to do.
    pub(super) fn retire(&mut self, slot: Slot) {
        let Some(worker) = self.worker(slot) else { return };
        let (wear, tests, memory) = (worker.wear(self.config.recycling), worker.ended, worker.memory);
        let tests = tests + u32::from(worker.running.is_some());
        if let Some(cause) = wear.filter(|_| self.plan.has_more_for(slot)) {
            self.tell(Notice::Recycled { slot, cause, tests, memory });
            self.workers[slot.index()].legacy = Legacy::Recycled;
        }
        self.finish(slot);
    }

    fn would_one_more_help(&self) -> bool {
        let starting = self.workers.iter().filter(|worker| worker.phase == Phase::Starting).count();
        let rests = self.workers.iter().any(|worker| worker.is_working() && worker.resting);
        !rests && !self.plan.is_serial() && self.plan.pieces() > starting
    }
}

impl Worker {
    /// Why it should make room for a fresh process, if it should. Never before its first test: a fresh process would
    /// be no better, and nothing would ever run.
    fn wear(&self, recycling: Recycling) -> Option<RecycleCause> {
        let has_begun = self.ended > 0 || self.running.is_some();
        if recycling.tests.is_some_and(|most| self.handed() >= most.max(1)) {
            return Some(RecycleCause::Tests);
        }
        (has_begun && recycling.memory.is_some_and(|most| self.memory > most)).then_some(RecycleCause::Memory)
    }

    /// Tests that it was given and that were not taken back.
    fn handed(&self) -> u32 {
        self.ended + u32::from(self.running.is_some()) + self.queue.len() as u32
    }
}
