//! How much has not been handed out.

use std::time::Duration;

use super::classes::{Class, SERIAL};
use super::units::Kind;

/// Running sums over all units, so that no decision has to count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stock {
    /// The sum of known estimates.
    pub(super) known: Duration,
    /// Tests without one.
    pub(super) unknown: u32,
    /// Tests of loose units that may run beside others.
    pub(super) loose: usize,
    /// Tests of other units that may run beside others.
    pub(super) bound: usize,
    /// How many of those units nobody works on.
    pub(super) blocks: usize,
    /// Tests that run alone.
    pub(super) serial: usize,
}

impl Stock {
    /// How many workers would find something to do.
    pub(super) fn pieces(&self) -> usize {
        self.loose + self.blocks + self.serial.min(1)
    }

    pub(super) fn time(&self, guess: Duration) -> Duration {
        self.known.saturating_add(guess.saturating_mul(self.unknown))
    }

    pub(super) fn tests(&self) -> usize {
        self.loose + self.bound + self.serial
    }

    pub(super) fn add(&mut self, class: Class, kind: Kind, known: Option<Duration>) {
        *self.counter(class, kind) += 1;
        match known {
            Some(time) => self.known += time,
            None => self.unknown += 1,
        }
    }

    pub(super) fn remove(&mut self, class: Class, kind: Kind, known: Option<Duration>) {
        *self.counter(class, kind) -= 1;
        match known {
            Some(time) => self.known = self.known.saturating_sub(time),
            None => self.unknown -= 1,
        }
    }

    fn counter(&mut self, class: Class, kind: Kind) -> &mut usize {
        match (class, kind) {
            (SERIAL, _) => &mut self.serial,
            (_, Kind::Loose) => &mut self.loose,
            _ => &mut self.bound,
        }
    }
}
