//! Which module each worker is in: its short tests follow each other there, as they do in a sequential run.

use super::plan::Plan;
use super::shelf::Key;
use super::units::UnitId;
use crate::ids::{ModuleId, Slot, TestId};
use crate::suite::{Order, Suite};

/// Which module each test is in, and where its stretch of the collection ends: a plugin may have torn a module apart.
#[derive(Clone, Debug)]
pub(super) struct Modules {
    by_test: Vec<ModuleId>,
    stretch_ends: Vec<TestId>,
}

impl Modules {
    pub(super) fn new(suite: &Suite) -> Self {
        let by_test: Vec<_> = suite.tests.iter().map(|test| test.module).collect();
        let mut stretch_ends = Vec::with_capacity(by_test.len());
        for stretch in by_test.chunk_by(|left, right| left == right) {
            let end = stretch_ends.len() + stretch.len();
            stretch_ends.resize(end, TestId(end as u32));
        }
        Self { by_test, stretch_ends }
    }

    pub(super) fn of(&self, test: TestId) -> ModuleId {
        self.by_test[test.index()]
    }

    /// The first test behind the neighbours of this one that are in its module.
    fn behind(&self, test: TestId) -> TestId {
        self.stretch_ends[test.index()]
    }
}

impl Plan {
    /// Of units that go in collection order the one for this worker, `first` being the first of them: the next of the
    /// module that it is in, else the first of a module that no other is in.
    pub(super) fn at_home(&self, slot: Slot, class: usize, first: Key) -> Key {
        if !first.is_in_order() || self.order == Order::Given {
            return first;
        }
        self.next_at_home(slot, class, first).or_else(|| self.first_unvisited(slot, class, first)).unwrap_or(first)
    }

    fn next_at_home(&self, slot: Slot, class: usize, first: Key) -> Option<Key> {
        let last = self.desk(slot).last?;
        let module = self.modules.of(last);
        let here = |key: &Key| self.modules.of(key.first) == module;
        self.from(class, first, last).next().filter(here).filter(|key| self.offer(slot, key.unit).is_some())
    }

    fn first_unvisited(&self, slot: Slot, class: usize, first: Key) -> Option<Key> {
        let others = || self.desks.iter().enumerate().filter(|(index, _)| *index != slot.index());
        let mut key = first;
        loop {
            let module = self.modules.of(key.first);
            if others().all(|(_, desk)| desk.last.is_none_or(|other| self.modules.of(other) != module)) {
                return self.offer(slot, key.unit).map(|_| key);
            }
            key = self.from(class, first, self.modules.behind(key.first)).next()?;
        }
    }

    /// The units on this shelf that are as urgent as `like`, from the one on that begins with this test or a later one.
    fn from(&self, class: usize, like: Key, test: TestId) -> impl Iterator<Item = Key> {
        let start = Key { first: test, unit: UnitId::MIN, ..like };
        let urgent = move |key: &&Key| (key.turn, key.rank, key.weight) == (like.turn, like.rank, like.weight);
        self.shelves[class].range(start..).take_while(urgent).copied()
    }
}
