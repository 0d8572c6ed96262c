//! What is handed out as one: groups, tests bound by their fixtures, runs of neighbours.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::classes::{Class, Classes};
use super::cut::{Cutter, Piece};
use super::estimates::Estimates;
use super::shelf::Key;
use crate::ids::{Slot, TestId};
use crate::suite::{Order, Suite};

/// The position of a [`Unit`] in the plan's list.
pub(super) type UnitId = usize;

/// What holds the tests of a unit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A group that the user named: never split.
    Hard,
    /// Set-ups; a split repeats some of them.
    Bound {
        /// The cheapest seam in it.
        cheapest: Duration,
    },
    /// Set-ups that nobody has measured yet: not split until somebody has.
    Unmeasured,
    /// Only that they are neighbours: split anywhere.
    Loose,
}

/// Tests of one kind and class that wait to be handed out.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    pub(super) kind: Kind,
    pub(super) class: Class,
    /// That of its first test.
    pub(super) turn: u8,
    /// Handed out before the fillers, if it cannot wait.
    pub(super) block: bool,
    /// Not handed out yet, in collection order.
    pub(super) tests: VecDeque<TestId>,
    /// The sum of known estimates of `tests`.
    pub(super) known: Duration,
    /// How many of `tests` have none.
    pub(super) unknown: u32,
    /// Shared set-ups that a worker which starts this unit has to do.
    pub(super) set_up: Duration,
    /// The worker that works on it.
    pub(super) owner: Option<Slot>,
    /// The test that was handed out last.
    pub(super) last: Option<TestId>,
    /// Where it stands on its shelf; `None` while it is owned or empty.
    pub(super) key: Option<Key>,
    /// Its estimated time when it was put there.
    pub(super) shelved_time: Duration,
}

impl Unit {
    pub(super) fn new(piece: Piece, class: Class, turn: u8, estimates: &Estimates) -> Self {
        let mut unit = Self {
            kind: piece.kind,
            class,
            turn,
            block: piece.block,
            tests: VecDeque::new(),
            known: Duration::ZERO,
            unknown: 0,
            set_up: Duration::ZERO,
            owner: None,
            last: None,
            key: None,
            shelved_time: Duration::ZERO,
        };
        unit.replace_tests(piece.tests.into(), estimates);
        unit
    }

    pub(super) fn replace_tests(&mut self, tests: VecDeque<TestId>, estimates: &Estimates) {
        let known = |test: &TestId| estimates.known(*test);
        self.known = tests.iter().filter_map(known).sum();
        self.unknown = tests.iter().filter(|test| known(test).is_none()).count() as u32;
        self.tests = tests;
    }

    /// The estimated time of what is left, without set-ups.
    pub(super) fn time(&self, estimates: &Estimates) -> Duration {
        match self.tests.front() {
            Some(first) if self.unknown > 0 => self.known + estimates.guess_near(*first) * self.unknown,
            _ => self.known,
        }
    }

    /// Its first test and its time, set-ups included, if it goes before the fillers as soon as it cannot wait.
    pub(super) fn as_block(&self, estimates: &Estimates) -> Option<(TestId, Duration)> {
        let first = self.tests.front().filter(|_| self.block)?;
        Some((*first, self.time(estimates) + self.set_up))
    }

    /// Hand out the test at this place.
    pub(super) fn take(&mut self, place: usize, known: Option<Duration>) -> Option<TestId> {
        let test = self.tests.get(place).copied()?;
        self.remove(test, known);
        self.last = Some(test);
        Some(test)
    }

    pub(super) fn remove(&mut self, test: TestId, known: Option<Duration>) {
        // The front, except for who lacks tests.
        let Some(place) = self.tests.iter().position(|other| *other == test) else { return };
        self.tests.remove(place);
        match known {
            Some(time) => self.known = self.known.saturating_sub(time),
            None => self.unknown = self.unknown.saturating_sub(1),
        }
    }

    /// Put a test back to its place in collection order.
    pub(super) fn insert(&mut self, test: TestId, known: Option<Duration>) {
        let place = self.tests.partition_point(|other| *other < test);
        self.tests.insert(place, test);
        match known {
            Some(time) => self.known += time,
            None => self.unknown += 1,
        }
    }
}

/// All units of a suite, in the order of their first tests.
pub(super) fn build(suite: &Suite, order: Order, classes: &Classes, cutter: &Cutter<'_>) -> Vec<Unit> {
    let mut units = Vec::new();
    for row in rows(suite, order, classes) {
        let first = row.tests[0];
        let (class, turn) = (classes.of(first), suite.tests[first.index()].turn);
        for piece in row.pieces(order, cutter) {
            units.push(Unit::new(piece, class, turn, cutter.estimates));
        }
    }
    for unit in &mut units {
        unit.set_up = cutter.costs.set_up_time(unit.tests.iter().copied());
    }
    units
}

/// By test: how long the block takes that it belongs to.
pub(super) fn block_times(units: &[Unit], estimates: &Estimates, tests: usize) -> Vec<Option<Duration>> {
    let mut times = vec![None; tests];
    for unit in units {
        if let Some((_, time)) = unit.as_block(estimates) {
            unit.tests.iter().for_each(|test| times[test.index()] = Some(time));
        }
    }
    times
}

/// Tests that could be handed out as one: a group, or the tests of one class and turn that are neighbours.
struct Row {
    hard: bool,
    tests: Vec<TestId>,
}

impl Row {
    fn pieces(self, order: Order, cutter: &Cutter<'_>) -> Vec<Piece> {
        match (self.hard, order) {
            (true, _) => vec![Piece { kind: Kind::Hard, block: true, tests: self.tests }],
            (false, Order::Given) => vec![Piece { kind: Kind::Loose, block: false, tests: self.tests }],
            (false, Order::LongestFirst) => cutter.cut(&self.tests),
        }
    }
}

#[derive(PartialEq, Eq, Hash)]
enum RowKey {
    Group(u32),
    Module(u32, Class, u8),
    /// In the given order modules do not matter; a group in between ends the row, so that it keeps its place.
    Stretch(u32, Class),
}

fn rows(suite: &Suite, order: Order, classes: &Classes) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut places: HashMap<RowKey, usize> = HashMap::new();
    let mut groups = 0;
    for (index, test) in suite.tests.iter().enumerate() {
        let id = TestId(index as u32);
        let key = match (test.group, order) {
            (Some(group), _) => RowKey::Group(group.0),
            (None, Order::LongestFirst) => RowKey::Module(test.module.0, classes.of(id), test.turn),
            (None, Order::Given) => RowKey::Stretch(groups, classes.of(id)),
        };
        let place = *places.entry(key).or_insert_with(|| {
            groups += u32::from(test.group.is_some());
            rows.push(Row { hard: test.group.is_some(), tests: Vec::new() });
            rows.len() - 1
        });
        rows[place].tests.push(id);
    }
    rows
}

/// Small suites for the tests of this folder.
#[cfg(test)]
pub(super) mod testing {
    use super::{Suite, TestId};
    use crate::ids::{FixtureId, GroupId, ModuleId, ResourceId};
    use crate::suite::{Fixture, Test};

    pub(in super::super) fn suite(tests: impl IntoIterator<Item = Test>) -> Suite {
        Suite { tests: tests.into_iter().collect(), ..Suite::default() }
    }

    pub(in super::super) fn test(module: u32) -> Test {
        Test {
            module: ModuleId(module),
            estimate: None,
            turn: 0,
            fixtures: Vec::new(),
            group: None,
            serial: false,
            resources: Vec::new(),
            limit: None,
        }
    }

    pub(in super::super) fn fixture(seconds: f64) -> Fixture {
        Fixture { cost: Some(seconds), session: false }
    }

    pub(in super::super) fn session_fixture(seconds: f64) -> Fixture {
        Fixture { cost: Some(seconds), session: true }
    }

    pub(in super::super) fn unmeasured() -> Fixture {
        Fixture { cost: None, session: false }
    }

    pub(in super::super) fn ids(numbers: impl IntoIterator<Item = u32>) -> Vec<TestId> {
        numbers.into_iter().map(TestId).collect()
    }

    impl Test {
        pub(in super::super) fn lasting(mut self, seconds: f64) -> Self {
            self.estimate = Some(seconds);
            self
        }

        pub(in super::super) fn using(mut self, fixtures: &[u32]) -> Self {
            self.fixtures = fixtures.iter().copied().map(FixtureId).collect();
            self
        }

        pub(in super::super) fn grouped(mut self, group: u32) -> Self {
            self.group = Some(GroupId(group));
            self
        }

        pub(in super::super) fn needing(mut self, resources: &[u32]) -> Self {
            self.resources = resources.iter().copied().map(ResourceId).collect();
            self
        }

        pub(in super::super) fn in_turn(mut self, turn: u8) -> Self {
            self.turn = turn;
            self
        }

        pub(in super::super) fn alone(mut self) -> Self {
            self.serial = true;
            self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::course::Course;
    use super::super::fixtures::FixtureCosts;
    use super::testing::{ids, suite, test};
    use super::*;
    use crate::suite::Test;

    fn built(tests: impl IntoIterator<Item = Test>, order: Order) -> Vec<(Kind, Vec<TestId>)> {
        let suite = suite(tests);
        let (estimates, costs) = (Estimates::new(&suite), FixtureCosts::new(&suite));
        let course = Course::new(&suite, &estimates, 2);
        let cutter = Cutter { estimates: &estimates, costs: &costs, course: &course };
        let units = build(&suite, order, &Classes::new(&suite, 2), &cutter);
        units.into_iter().map(|unit| (unit.kind, unit.tests.into())).collect()
    }

    #[test]
    fn group_collects_its_scattered_tests() {
        let tests = [test(0).grouped(4), test(0), test(1).grouped(4)];
        let expected = [(Kind::Hard, ids([0, 2])), (Kind::Loose, ids([1]))];
        assert_eq!(built(tests.clone(), Order::LongestFirst), expected);
        assert_eq!(built(tests, Order::Given), expected);
    }

    #[test]
    fn runs_end_at_module_borders() {
        let tests = [test(0), test(0), test(1), test(0)];
        assert_eq!(built(tests, Order::LongestFirst), [(Kind::Loose, ids([0, 1, 3])), (Kind::Loose, ids([2]))]);
    }

    #[test]
    fn given_order_is_broken_only_by_groups() {
        let tests = [test(0), test(1), test(1).grouped(0), test(2)];
        let expected = [(Kind::Loose, ids([0, 1])), (Kind::Hard, ids([2])), (Kind::Loose, ids([3]))];
        assert_eq!(built(tests, Order::Given), expected);
    }

    #[test]
    fn returned_test_goes_to_its_place() {
        let suite = suite(vec![test(0); 4]);
        let piece = Piece { kind: Kind::Loose, block: false, tests: ids([0, 1, 3]) };
        let mut unit = Unit::new(piece, 0, 0, &Estimates::new(&suite));
        assert_eq!(unit.take(0, None), Some(TestId(0)));
        unit.insert(TestId(2), None);
        unit.insert(TestId(0), None);
        assert_eq!((Vec::from(unit.tests), unit.unknown), (ids([0, 1, 2, 3]), 4));
    }
}
