//! The terminal goes to a worker and comes back.

use engine::wire::message::ToWorker;
use engine::{Event, Slot};

use super::{Message, Supervisor};

/// What a worker has of the terminal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Terminal {
    /// Nothing.
    #[default]
    Away,
    /// It waits for it.
    Wanted,
    /// It has it, and has joined the controller's process group for that.
    Lent,
}

impl Supervisor {
    pub(super) fn debugger_wanted(&mut self, slot: Slot) {
        self.with(slot, |worker| worker.terminal = Terminal::Wanted);
        self.feed(Event::DebuggerWanted { slot });
    }

    pub(super) fn debugger_done(&mut self, slot: Slot) {
        self.with(slot, |worker| worker.terminal = Terminal::Away);
        self.feed(Event::DebuggerDone { slot });
    }

    /// The controller writes to the terminal as well: it has to hold its tongue first, and says when it does.
    pub(super) fn announce_debugger(&mut self, slot: Slot) {
        let test = self.worker(slot).and_then(|worker| worker.running).map(|(test, _)| test);
        self.tell(Message::Debugger { slot, test });
    }

    /// The controller is quiet. The worker may be another one by now, which wants nothing.
    pub(super) fn lend_terminal(&mut self, slot: Slot) {
        self.with(slot, |worker| {
            if worker.terminal == Terminal::Wanted {
                worker.terminal = Terminal::Lent;
                worker.send(&ToWorker::TerminalLent);
            }
        });
    }

    pub(super) fn refuse_terminal(&mut self, slot: Slot) {
        self.with(slot, |worker| {
            worker.terminal = Terminal::Away;
            worker.send(&ToWorker::TerminalRefused);
        });
    }
}
