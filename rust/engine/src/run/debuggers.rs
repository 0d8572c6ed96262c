//! Debuggers: one at a time has the terminal, and the run stands still for it.

use std::collections::VecDeque;

use crate::command::Command;
use crate::ids::Slot;
use crate::run::Run;
use crate::run::worker::{Phase, Worker};

/// Who has the terminal, and what waits until it is free again.
#[derive(Clone, Debug, Default)]
pub(super) struct Debuggers {
    /// The first has the terminal, the others wait for it.
    line: VecDeque<Slot>,
    /// Workers that asked what comes next, with the commands that they had seen.
    questions: Vec<(Slot, u32)>,
    /// The session was quit: nobody is to be asked anything any more.
    closed: bool,
}

impl Run {
    pub(super) fn on_debugger_wanted(&mut self, slot: Slot) {
        let speaks = |worker: &Worker| !matches!(worker.phase, Phase::Vacant | Phase::Starting);
        let may_ask = self.worker(slot).is_some_and(|worker| speaks(worker) && !worker.is_being_ended());
        if !may_ask || self.debuggers.line.contains(&slot) {
            return;
        }
        if self.debuggers.closed {
            return self.commands.push(Command::RefuseTerminal { slot });
        }
        self.debuggers.line.push_back(slot);
        if self.debuggers.line.len() == 1 {
            self.slots().filter(|other| *other != slot).for_each(|other| self.take_back(other));
            self.lend_terminal(slot);
        }
    }

    /// It goes on, or its process is gone.
    pub(super) fn on_debugger_done(&mut self, slot: Slot) {
        let had_it = self.debuggers.line.front() == Some(&slot);
        self.debuggers.line.retain(|other| *other != slot);
        if !had_it {
            return;
        }
        self.commands.push(Command::ReclaimTerminal { slot });
        if let Some(next) = self.debuggers.line.front() {
            return self.lend_terminal(*next);
        }
        self.go_on();
        self.answer_questions();
    }

    /// The session ends because somebody wants it to: whoever waits for the terminal has to end too.
    pub(super) fn close_debuggers(&mut self) {
        self.debuggers.closed = true;
        let waiting: Vec<_> = self.debuggers.line.iter().skip(1).copied().collect();
        self.debuggers.line.truncate(1);
        self.commands.extend(waiting.into_iter().map(|slot| Command::RefuseTerminal { slot }));
    }

    /// Whether a debugger has the terminal.
    pub(super) fn stands_still(&self) -> bool {
        !self.debuggers.line.is_empty()
    }

    /// Whether a worker gets nothing more to do because another one is being debugged.
    pub(super) fn must_wait(&self, slot: Slot) -> bool {
        self.stop.is_none() && self.debuggers.line.front().is_some_and(|holder| *holder != slot)
    }

    /// The answer comes when the terminal is free. Until then nothing is torn down.
    pub(super) fn answer_later(&mut self, slot: Slot, seen: u32) {
        self.debuggers.questions.push((slot, seen));
    }

    pub(super) fn answer_questions(&mut self) {
        for (slot, seen) in std::mem::take(&mut self.debuggers.questions) {
            self.on_next_wanted(slot, seen);
        }
    }

    pub(super) fn is_debugging(&self, slot: Slot) -> bool {
        self.debuggers.line.contains(&slot)
    }

    fn lend_terminal(&mut self, slot: Slot) {
        self.stand_still();
        self.commands.push(Command::LendTerminal { slot });
    }
}
