//! What workers write past the capture is passed on, as a sequential run shows it too.

use std::time::Duration;

use engine::Slot;

use super::worker::Said;
use super::{Message, Supervisor};

impl Supervisor {
    /// Reads one of the worker's pipes.
    pub(super) fn hear_pipe(&mut self, slot: Slot, index: usize) {
        let now = self.clock.now();
        let Some(worker) = self.worker(slot) else { return };
        let bytes = worker.read_pipe(index);
        if worker.said == Said::Nothing {
            return;
        }
        // Whole lines, so that those of two workers do not mix.
        if let Some(bytes) = worker.lines[index].push(&bytes, now) {
            self.tell(Message::Output { slot, stream: index as u8 + 1, bytes });
        }
    }

    /// Reads what the worker wrote before it said something, so that a test's output comes before its end.
    pub(super) fn hear_pipes(&mut self, slot: Slot) {
        self.hear_pipe(slot, 0);
        self.hear_pipe(slot, 1);
    }

    /// Nothing more will come of a line: the test is over, or the worker is gone.
    pub(super) fn end_lines(&mut self, slot: Slot) {
        self.show_rest(slot, Duration::MAX);
    }

    /// Shows the beginnings of lines whose ends let one wait.
    pub(super) fn show_overdue_lines(&mut self) {
        let now = self.clock.now();
        let slots: Vec<_> = self.workers.iter().flatten().map(|worker| worker.slot).collect();
        for slot in slots {
            self.show_rest(slot, now);
        }
    }

    /// When that is to be done next.
    pub(super) fn lines_deadline(&self) -> Option<Duration> {
        let lines = self.workers.iter().flatten().flat_map(|worker| &worker.lines);
        lines.filter_map(super::lines::Lines::deadline).min()
    }

    fn show_rest(&mut self, slot: Slot, now: Duration) {
        for index in [0, 1] {
            let Some(worker) = self.worker(slot) else { return };
            let lines = &mut worker.lines[index];
            if lines.deadline().is_some_and(|deadline| deadline <= now) {
                let bytes = lines.take_rest();
                self.tell(Message::Output { slot, stream: index as u8 + 1, bytes });
            }
        }
    }
}
