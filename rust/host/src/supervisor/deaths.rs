//! The end of a worker: read what is left, clear its group, reap it, tell the engine.

use std::time::Duration;

use engine::{Death, Event, Slot};

use super::Supervisor;
use super::incoming::TURN;
use super::worker::{Said, Stage};
use crate::process::{End, death, wait_for};

/// What a dead worker had sent is in its socket, which holds a few hundred kilobytes, many megabytes if it was told to.
/// What comes beyond that comes from somebody it left behind, who may never stop.
const LAST_WORDS: usize = 64 * 1024 * 1024;

/// How long a zygote may take to reap a child that is dead: at most as long as a fork of a large process on a busy
/// machine, and that takes a second or two.
const REAPING: Duration = Duration::from_secs(10);

impl Supervisor {
    /// The process is gone, but not yet reaped, so its number still means it and nobody else.
    pub(super) fn process_ended(&mut self, slot: Slot) {
        self.read_last_words(slot);
        let now = self.clock.now();
        let Some(worker) = self.worker(slot).filter(|worker| worker.stage == Stage::Alive) else { return };
        worker.stage = Stage::Dying(now);
        let (zygote, pid) = (worker.zygote, worker.pid);
        if let Some(pid) = pid {
            self.orphanage.clear_group(pid);
        }
        if let Some(pid) = pid
            && !zygote.is_some_and(|zygote| self.zygotes.ask_to_reap(zygote, pid))
        {
            let pid = pid.as_raw_nonzero().get();
            self.worker_reaped(pid, wait_for(pid));
        }
    }

    /// A zygote that does not reap stands still: its spare takes over, and its children come to this process.
    pub(super) fn attend_reaping(&self) {
        let now = self.clock.now();
        for worker in self.workers.iter().flatten() {
            if let (Stage::Dying(since), Some(zygote)) = (worker.stage, worker.zygote)
                && now.saturating_sub(since) > REAPING
            {
                self.zygotes.kill(zygote);
            }
        }
    }

    fn read_last_words(&mut self, slot: Slot) {
        let mut left = LAST_WORDS;
        while left > 0 && self.worker(slot).is_some_and(|worker| worker.read_socket(TURN)) {
            left = left.saturating_sub(TURN);
            self.handle_frames(slot);
        }
        self.hear_pipe(slot, 0);
        self.hear_pipe(slot, 1);
        self.end_lines(slot);
    }

    pub(super) fn worker_reaped(&mut self, pid: i32, end: End) {
        let is_it = |worker: &super::Worker| worker.pid.is_some_and(|known| known.as_raw_nonzero().get() == pid);
        let found = self.workers.iter().position(|place| place.as_ref().is_some_and(is_it));
        let Some(worker) = found.and_then(|index| self.workers[index].take()) else { return };
        let now = self.clock.now();
        let slot = worker.slot;
        let death = death(end.status);
        self.stacks.forget(slot);
        let clean = worker.said == Said::Goodbye && death == Death::Exited(0);
        let mut evidence = worker.evidence(now);
        evidence.death = Some(death);
        evidence.phase = self.page.doing(slot).0.name();
        evidence.sharing = self.page.sharing(slot);
        evidence.limit = self.run.passed_limit(slot);
        evidence.cpu = end.cpu;
        evidence.peak_memory = end.peak_memory;
        let test = worker.running.map(|(test, _)| test);
        self.journal.worker_gone(now, slot, clean, (death, end), &evidence, test);
        self.evidence = Some(Box::new(evidence));
        self.feed(Event::WorkerDied { slot, death });
        self.evidence = None;
    }
}
