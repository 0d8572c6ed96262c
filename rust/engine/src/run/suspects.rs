//! Tests that ended with their worker may run again, if somebody who was asked says so.

use crate::command::Command;
use crate::ids::{Slot, TestId};
use crate::run::Run;
use crate::verdict::Verdict;

/// A test whose worker died with it, until it is known what is to become of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Suspect {
    test: TestId,
    slot: Slot,
    verdict: Verdict,
}

impl Run {
    /// A worker died with this test. Nobody is asked when nothing is to start any more.
    pub(super) fn end_with_worker(&mut self, slot: Slot, test: TestId, verdict: Verdict) {
        let suspect = Suspect { test, slot, verdict };
        if verdict == Verdict::NotRun || !self.config.asks || self.stop.is_some() {
            return self.convict(suspect);
        }
        self.suspects.push(suspect);
        self.commands.push(Command::Ask { test, slot, verdict });
    }

    pub(super) fn on_judged(&mut self, test: TestId, again: bool) {
        let Some(place) = self.suspects.iter().position(|suspect| suspect.test == test) else { return };
        let suspect = self.suspects.swap_remove(place);
        if again && self.stop.is_none() {
            self.plan.bring_back(test);
        } else {
            self.convict(suspect);
        }
    }

    /// The run ends: what was asked no longer matters.
    pub(super) fn convict_all(&mut self) {
        for suspect in std::mem::take(&mut self.suspects) {
            self.convict(suspect);
        }
    }

    fn convict(&mut self, Suspect { test, slot, verdict }: Suspect) {
        self.settle(test, Some(slot), verdict);
        self.count_failures(u32::from(matches!(verdict, Verdict::Crashed | Verdict::Timeout)));
    }
}
