//! Units that nobody works on, in the order in which they are to be taken.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::time::Duration;

use super::batch::Access;
use super::classes::{Class, FREE, SERIAL};
use super::plan::Plan;
use super::units::{Kind, Unit, UnitId};
use crate::ids::{Slot, TestId};
use crate::suite::Order;

/// What decides which unit goes first; the smallest does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) turn: u8,
    pub(super) rank: Rank,
    pub(super) weight: Reverse<Duration>,
    pub(super) first: TestId,
    pub(super) unit: UnitId,
}

impl Key {
    /// Whether it stands among others by its place in the collection only.
    pub(super) fn is_in_order(&self) -> bool {
        self.weight.0.is_zero()
    }
}

/// Blocks go before fillers, because fillers can be divided to level out the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Block,
    Filler,
}

/// The units of one class that nobody works on.
pub(super) type Shelf = BTreeSet<Key>;

impl Plan {
    /// The unit that should go next among those that this worker may take; what has to run alone goes last.
    pub(super) fn best_key(&self, slot: Slot, access: Access) -> Option<Key> {
        let open = |class: &Class| *class != SERIAL && self.may_hold(slot, *class, access);
        let keys = (0..self.shelves.len()).filter(open).filter_map(|class| self.class_key(slot, class));
        let serial = || self.first_for(slot, SERIAL).filter(|_| self.may_hold(slot, SERIAL, access));
        keys.min().or_else(serial)
    }

    /// The first unit on a shelf of which this worker has a test.
    fn first_for(&self, slot: Slot, class: Class) -> Option<Key> {
        self.shelves[class].iter().find(|key| self.offer(slot, key.unit).is_some()).copied()
    }

    /// The first unit of a class. Those that need a resource wait for each other, so that it is their sum that counts.
    fn class_key(&self, slot: Slot, class: Class) -> Option<Key> {
        let first = self.at_home(slot, class, self.first_for(slot, class)?);
        if class == FREE || self.order == Order::Given {
            return Some(first);
        }
        let chain = self.chain(class);
        Some(Key { rank: Rank::Block, weight: Reverse(first.weight.0.max(chain)), ..first })
    }

    /// How long the units on a class's shelf take if as many as may run at once do.
    pub(super) fn chain(&self, class: Class) -> Duration {
        self.shelved_time[class] / self.classes.width(class)
    }

    /// Put a unit with tests and without owner on its shelf.
    pub(super) fn shelve(&mut self, id: UnitId) {
        let unit = &self.units[id];
        let Some(first) = unit.tests.front().copied().filter(|_| unit.owner.is_none()) else { return };
        let (rank, weight) = self.urgency(unit);
        let time = unit.time(&self.estimates);
        let key = Key { turn: self.turn(unit), rank, weight: Reverse(weight), first, unit: id };
        let class = unit.class;
        self.stock.blocks += usize::from(self.is_counted_whole(id));
        (self.units[id].key, self.units[id].shelved_time) = (Some(key), time);
        self.shelved_time[class] += time;
        self.shelves[class].insert(key);
    }

    pub(super) fn unshelve(&mut self, id: UnitId) -> Option<Key> {
        let key = self.units[id].key.take()?;
        let Unit { class, shelved_time, .. } = self.units[id];
        self.shelves[class].remove(&key);
        self.shelved_time[class] = self.shelved_time[class].saturating_sub(shelved_time);
        self.stock.blocks -= usize::from(self.is_counted_whole(id));
        Some(key)
    }

    pub(super) fn disown(&mut self, id: UnitId) {
        if let Some(owner) = self.units[id].owner.take() {
            self.desk_mut(owner).units.retain(|unit| *unit != id);
        }
        if self.units[id].key.is_none() {
            self.shelve(id);
        }
    }

    fn urgency(&self, unit: &Unit) -> (Rank, Duration) {
        if self.in_file_order() {
            return (Rank::Block, Duration::ZERO);
        }
        match unit.as_block(&self.estimates) {
            Some((first, time)) if self.course.cannot_wait(first, time) => (Rank::Block, time),
            _ => (Rank::Filler, Duration::ZERO),
        }
    }

    /// In the given order there are no turns but that order.
    fn turn(&self, unit: &Unit) -> u8 {
        if self.order == Order::Given { 0 } else { unit.turn }
    }

    /// Whether units go by their first test: somebody asked for an order, or nothing is known.
    pub(super) fn in_file_order(&self) -> bool {
        self.order == Order::Given || self.estimates.is_new_suite()
    }

    fn is_counted_whole(&self, id: UnitId) -> bool {
        let unit = &self.units[id];
        unit.kind != Kind::Loose && unit.class != SERIAL
    }
}
