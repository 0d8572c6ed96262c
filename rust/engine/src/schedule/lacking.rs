//! Tests that not every worker has: workers that collect by themselves may find others than the controller did.

use std::collections::{BTreeMap, HashSet};

use super::plan::Plan;
use super::units::{Kind, Unit, UnitId};
use crate::ids::{Slot, TestId};

/// What each worker did not find.
#[derive(Clone, Debug)]
pub(super) struct Lacking {
    by_slot: Vec<HashSet<TestId>>,
    /// Tests that some worker lacked, and whether another one had them.
    rare: BTreeMap<TestId, bool>,
    /// Whether any worker has said what it has.
    heard: bool,
}

impl Lacking {
    pub(super) fn new(workers: u16) -> Self {
        Self { by_slot: vec![HashSet::new(); usize::from(workers)], rare: BTreeMap::new(), heard: false }
    }

    fn has(&self, slot: Slot, test: TestId) -> bool {
        !self.by_slot[slot.index()].contains(&test)
    }

    fn has_all(&self, slot: Slot) -> bool {
        self.by_slot[slot.index()].is_empty()
    }
}

impl Plan {
    /// The worker that starts on this slot does not have these tests.
    pub(crate) fn lack(&mut self, slot: Slot, tests: Vec<TestId>) {
        self.lacking.by_slot[slot.index()].extend(tests);
    }

    /// The worker on this slot has said all that it lacks.
    pub(crate) fn heard(&mut self, slot: Slot) {
        let Lacking { by_slot, rare, heard } = &mut self.lacking;
        let lacked = &by_slot[slot.index()];
        for (test, had) in rare.iter_mut() {
            *had |= !lacked.contains(test);
        }
        for test in lacked {
            // Whoever was ready before had it, or it would be here already.
            rare.entry(*test).or_insert(*heard);
        }
        *heard = true;
    }

    /// Whether some worker lacked some test.
    pub(crate) fn has_rare_tests(&self) -> bool {
        !self.lacking.rare.is_empty()
    }

    /// Whether something waits that this worker has, or would have if nobody else took it.
    pub(crate) fn has_work_for(&self, slot: Slot) -> bool {
        self.lacking.has_all(slot) || self.shelves.iter().flatten().any(|key| self.offer(slot, key.unit).is_some())
    }

    /// Tests that wait although none of these workers, which are all there are, can be given them. If others `may_come`,
    /// those that a worker had before are kept for them.
    pub(crate) fn missing(&self, workers: &[Slot], may_come: bool) -> Vec<TestId> {
        let hopeless = |test: &TestId| !(may_come && self.lacking.rare.get(test).copied().unwrap_or(true));
        let mut tests: Vec<_> =
            self.units.iter().flat_map(|unit| self.missing_of(unit, workers)).filter(hopeless).collect();
        tests.sort_unstable();
        tests
    }

    /// The place in the unit of the test that this worker would be given next; `None` = it has nothing for it. A group
    /// goes only to who has all of it.
    pub(super) fn offer(&self, slot: Slot, unit: UnitId) -> Option<usize> {
        let unit = &self.units[unit];
        if self.lacking.has_all(slot) {
            return (!unit.tests.is_empty()).then_some(0);
        }
        let first = unit.tests.iter().position(|test| self.lacking.has(slot, *test))?;
        let whole = || unit.tests.iter().all(|test| self.lacking.has(slot, *test));
        (unit.kind != Kind::Hard || whole()).then_some(first)
    }

    /// The worker is gone, and what it lacked with it.
    pub(super) fn forget_lacking(&mut self, slot: Slot) {
        self.lacking.by_slot[slot.index()].clear();
    }

    /// What nobody has; of a group, what the worker that has most of it does not have.
    fn missing_of(&self, unit: &Unit, workers: &[Slot]) -> Vec<TestId> {
        let lacks = |slot: &Slot, test: &TestId| !self.lacking.has(*slot, *test);
        let waiting = unit.tests.iter().copied();
        if unit.kind != Kind::Hard {
            return waiting.filter(|test| workers.iter().all(|slot| lacks(slot, test))).collect();
        }
        if unit.owner.is_some() {
            return Vec::new();
        }
        let lacked = |slot: &Slot| waiting.clone().filter(|test| lacks(slot, test)).collect::<Vec<_>>();
        workers.iter().map(lacked).min_by_key(Vec::len).unwrap_or_default()
    }
}
