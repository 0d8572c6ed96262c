//! All tests that have not been handed out, and who works on what.

use std::collections::HashMap;
use std::time::Duration;

use super::batch::{Access, Batch, Handed, Room, horizon, most_tests};
use super::classes::{Classes, FREE, SERIAL};
use super::course::Course;
use super::cut::Cutter;
use super::estimates::Estimates;
use super::fixtures::FixtureCosts;
use super::holds::Hold;
use super::lacking::Lacking;
use super::modules::Modules;
use super::outlook::Outlook;
use super::shelf::{Key, Rank, Shelf};
use super::stock::Stock;
use super::units::{Kind, Unit, UnitId, block_times, build};
use crate::event::FixtureSetUp;
use crate::ids::{FixtureId, Slot, TestId};
use crate::suite::{Config, Order, Suite};

/// The tests that wait, in units on shelves, and what each worker is busy with.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(super) order: Order,
    pub(super) workers: u16,
    pub(super) course: Course,
    pub(super) estimates: Estimates,
    pub(super) costs: FixtureCosts,
    pub(super) classes: Classes,
    pub(super) modules: Modules,
    pub(super) units: Vec<Unit>,
    /// The unit from which each test was handed out last.
    pub(super) unit_of: Vec<UnitId>,
    /// By class.
    pub(super) shelves: Vec<Shelf>,
    /// The estimated time of all units on each shelf.
    pub(super) shelved_time: Vec<Duration>,
    pub(super) desks: Vec<Desk>,
    pub(super) stock: Stock,
    /// Units that may be cut once somebody has measured the fixture.
    pub(super) unmeasured: HashMap<FixtureId, Vec<UnitId>>,
    pub(super) lacking: Lacking,
}

/// What one worker works on.
#[derive(Clone, Debug, Default)]
pub(super) struct Desk {
    /// Units that it has begun, the current one last.
    pub(super) units: Vec<UnitId>,
    pub(super) hold: Option<Hold>,
    /// The test that was handed to it last.
    pub(super) last: Option<TestId>,
}

impl Plan {
    pub(crate) fn new(suite: &Suite, config: &Config) -> Self {
        let workers = config.workers.max(1);
        let (estimates, costs) = (Estimates::new(suite), FixtureCosts::new(suite));
        let classes = Classes::new(suite, workers);
        let mut course = Course::new(suite, &estimates, workers);
        let cutter = Cutter { estimates: &estimates, costs: &costs, course: &course };
        let units = build(suite, config.order, &classes, &cutter);
        let times = block_times(&units, &estimates, suite.tests.len());
        course.divide(|test| times[test.index()]);
        let mut plan = Self {
            order: config.order,
            workers,
            course,
            unit_of: vec![0; suite.tests.len()],
            shelves: vec![Shelf::new(); classes.count()],
            shelved_time: vec![Duration::ZERO; classes.count()],
            desks: vec![Desk::default(); usize::from(workers)],
            stock: Stock::default(),
            unmeasured: HashMap::new(),
            lacking: Lacking::new(workers),
            modules: Modules::new(suite),
            units: Vec::new(),
            estimates,
            costs,
            classes,
        };
        for unit in units {
            plan.add_unit(unit);
        }
        plan
    }

    /// What the plan promises, before anything was handed out.
    pub(crate) fn outlook(&self) -> Outlook {
        Outlook::of(self)
    }

    /// How long a test is thought to take.
    pub(crate) fn estimate(&self, test: TestId) -> Duration {
        self.estimates.of(test)
    }

    /// How many workers could be of use at most, if every unit is split that may be.
    pub(crate) fn most_workers(&self) -> usize {
        let free = self.units.iter().filter(|unit| unit.class != SERIAL);
        let useful = |unit: &Unit| if unit.kind == Kind::Hard { 1 } else { unit.tests.len() };
        free.map(useful).sum::<usize>().max(usize::from(self.stock.serial > 0))
    }

    /// How many more workers would find something to do now.
    pub(crate) fn pieces(&self) -> usize {
        self.stock.pieces()
    }

    /// The estimated time of all tests that were not handed out.
    pub(crate) fn time_left(&self) -> Duration {
        self.stock.time(self.estimates.guess())
    }

    /// How much work a worker should hold now.
    pub(crate) fn horizon(&self) -> Duration {
        horizon(self.time_left(), self.workers)
    }

    /// The next tests for this worker; empty if there is nothing for it now.
    pub(crate) fn take(&mut self, slot: Slot, room: Room) -> Vec<Handed> {
        if self.is_serial() && !self.desk(slot).holds(SERIAL) {
            return Vec::new();
        }
        let most = most_tests(self.stock.tests(), self.workers, self.estimates.has_measurements());
        let mut batch = Batch::new(room, most);
        while let Some(unit) = self.next_unit(slot, &batch) {
            if !self.draw(slot, unit, &mut batch) {
                break;
            }
        }
        batch.into_tests()
    }

    /// Whether something may still come to this worker although there is nothing for it now.
    pub(crate) fn may_bring(&self, slot: Slot) -> bool {
        let others = || self.desks.iter().enumerate().filter(|(index, _)| *index != slot.index()).map(|(_, desk)| desk);
        let blocked = self.shelves.iter().any(|shelf| !shelf.is_empty());
        blocked || others().any(|desk| desk.holds(SERIAL) || desk.units.iter().any(|unit| self.may_be_split(*unit)))
    }

    /// Whether the worker is in the middle of a group that the user named.
    pub(crate) fn is_amid_group(&mut self, slot: Slot) -> bool {
        self.current_unit(slot).is_some_and(|unit| self.units[unit].kind == Kind::Hard)
    }

    /// Whether another worker in this one's place would find something, or could take a part of what others have begun.
    pub(crate) fn has_more_for(&self, slot: Slot) -> bool {
        let others = self.desks.iter().enumerate().filter(|(index, _)| *index != slot.index());
        let begun = |unit: &UnitId| !self.units[*unit].tests.is_empty() && self.units[*unit].class != SERIAL;
        self.pieces() > 0 || others.flat_map(|(_, desk)| &desk.units).any(begun)
    }

    /// The last of the tests handed to this worker will not start there; `tests` are given latest first.
    pub(crate) fn put_back(&mut self, slot: Slot, tests: impl IntoIterator<Item = TestId>) {
        for test in tests {
            self.put_back_one(slot, test);
        }
        self.loosen_hold(slot);
    }

    /// A test that is over is to run once more, on whichever worker.
    pub(crate) fn bring_back(&mut self, test: TestId) {
        let unit = self.unit_of[test.index()];
        let known = self.estimates.known(test);
        self.unshelve(unit);
        self.units[unit].insert(test, known);
        let Unit { class, kind, .. } = self.units[unit];
        self.stock.add(class, kind, known);
        self.shelve(unit);
    }

    /// A test that was handed to this worker is over.
    pub(crate) fn ended(&mut self, slot: Slot, test: TestId) {
        self.count_down(slot, test);
        self.loosen_hold(slot);
    }

    /// A test took so many seconds, and its worker did these set-ups on its behalf.
    pub(crate) fn learn(&mut self, test: TestId, seconds: Option<f64>, set_ups: &[FixtureSetUp]) {
        if let Some(seconds) = seconds {
            self.estimates.learn(test, seconds);
        }
        for set_up in set_ups {
            self.learn_set_up(*set_up);
        }
        if seconds.is_some() {
            self.learn_silence(test);
        }
    }

    /// A test that waits is not to be handed out any more.
    pub(crate) fn remove(&mut self, test: TestId) {
        let Some(unit) = self.units.iter().position(|unit| unit.tests.contains(&test)) else { return };
        let known = self.estimates.known(test);
        let shelved = self.unshelve(unit);
        self.units[unit].remove(test, known);
        let Unit { class, kind, .. } = self.units[unit];
        self.stock.remove(class, kind, known);
        if shelved.is_some() {
            self.shelve(unit);
        }
    }

    /// The worker is gone: what it worked on is free for others.
    pub(crate) fn abandon(&mut self, slot: Slot) {
        self.forget_lacking(slot);
        self.desk_mut(slot).last = None;
        for unit in std::mem::take(&mut self.desk_mut(slot).units) {
            self.disown(unit);
        }
        if let Some(hold) = self.desk_mut(slot).hold.take() {
            self.classes.release(hold.class);
        }
    }

    /// Nothing more is to be handed out: all tests that wait, in collection order.
    pub(crate) fn drain(&mut self) -> Vec<TestId> {
        self.shelves.iter_mut().for_each(Shelf::clear);
        self.stock = Stock::default();
        let mut tests: Vec<_> = self.units.iter_mut().flat_map(|unit| unit.tests.drain(..)).collect();
        tests.sort_unstable();
        tests
    }

    fn next_unit(&mut self, slot: Slot, batch: &Batch) -> Option<UnitId> {
        let access = batch.access();
        if let Some(unit) = self.current_unit(slot)
            && !self.leaves(slot, unit, access)
            && !(batch.room.leaving && self.units[unit].kind == Kind::Loose)
        {
            return Some(unit).filter(|unit| self.may_draw(slot, *unit, batch));
        }
        if batch.room.leaving {
            return None;
        }
        match self.best_key(slot, access) {
            Some(Key { unit, .. }) => self.may_draw(slot, unit, batch).then(|| self.claim(slot, unit)),
            None => access.fresh.then(|| self.steal(slot, batch)).flatten(),
        }
    }

    /// Whether a worker with nothing else to do gives up the rest of its unit: because it may not go on with it now,
    /// or because a block has come free and this is only a filler. A group is never given up.
    fn leaves(&mut self, slot: Slot, unit: UnitId, access: Access) -> bool {
        let Unit { kind, class, block, turn, .. } = self.units[unit];
        if !access.fresh || kind == Kind::Hard {
            return false;
        }
        let blocked = !self.may_hold(slot, class, access);
        let outranks = |key: Key| key.rank == Rank::Block && key.turn <= turn;
        let outranked = || self.best_key(slot, access).is_some_and(outranks);
        let leaves = blocked || (!block && !self.in_file_order() && class == FREE && outranked());
        if leaves {
            self.disown(unit);
        }
        leaves
    }

    /// Move tests from a unit to the batch; `false` if some are left, because the batch is full or the worker lacks them.
    fn draw(&mut self, slot: Slot, unit: UnitId, batch: &mut Batch) -> bool {
        let key = self.unshelve(unit);
        let movable = self.units[unit].kind != Kind::Hard && self.units[unit].class != SERIAL;
        while let Some(place) = self.offer(slot, unit) {
            let test = self.units[unit].tests[place];
            let estimate = self.estimates.of(test);
            if !batch.accepts(estimate) {
                break;
            }
            self.hand_out(slot, unit, place);
            batch.add(Handed { test, estimate, movable });
        }
        if key.is_some() {
            self.shelve(unit);
        }
        self.units[unit].tests.is_empty()
    }

    fn hand_out(&mut self, slot: Slot, unit: UnitId, place: usize) {
        let test = self.units[unit].tests[place];
        let known = self.estimates.known(test);
        self.units[unit].take(place, known);
        self.unit_of[test.index()] = unit;
        self.desk_mut(slot).last = Some(test);
        let Unit { class, kind, .. } = self.units[unit];
        self.stock.remove(class, kind, known);
        if class != FREE {
            self.hold(slot, class);
        }
    }

    fn put_back_one(&mut self, slot: Slot, test: TestId) {
        let unit = self.unit_of[test.index()];
        let known = self.estimates.known(test);
        let shelved = self.unshelve(unit);
        self.units[unit].insert(test, known);
        let Unit { class, kind, .. } = self.units[unit];
        self.stock.add(class, kind, known);
        self.count_down(slot, test);
        if shelved.is_some() {
            self.shelve(unit);
        } else {
            self.settle_owner(slot, unit);
        }
    }

    /// A unit got tests back while nobody shelved it: what must stay together stays with its worker.
    fn settle_owner(&mut self, slot: Slot, unit: UnitId) {
        let owner = self.units[unit].owner;
        if self.units[unit].kind == Kind::Loose {
            if owner.is_none_or(|owner| owner == slot) {
                self.disown(unit);
            }
        } else if owner.is_none() {
            self.units[unit].owner = Some(slot);
            self.desk_mut(slot).units.push(unit);
        }
    }

    /// The unit that the worker is in the middle of.
    fn current_unit(&mut self, slot: Slot) -> Option<UnitId> {
        while let Some(unit) = self.desk(slot).units.last().copied() {
            if self.offer(slot, unit).is_some() {
                return Some(unit);
            }
            // Nothing is left of it, or nothing that this worker has.
            self.disown(unit);
        }
        None
    }

    /// Whether the unit's first test may go to this worker behind what is in the batch.
    pub(super) fn may_draw(&self, slot: Slot, unit: UnitId, batch: &Batch) -> bool {
        let Some(place) = self.offer(slot, unit) else { return false };
        let unit = &self.units[unit];
        batch.accepts(self.estimates.of(unit.tests[place])) && self.may_hold(slot, unit.class, batch.access())
    }

    fn claim(&mut self, slot: Slot, unit: UnitId) -> UnitId {
        if self.order == Order::LongestFirst || self.units[unit].kind == Kind::Hard {
            self.unshelve(unit);
            self.units[unit].owner = Some(slot);
            self.desk_mut(slot).units.push(unit);
        }
        unit
    }

    pub(super) fn add_unit(&mut self, unit: Unit) {
        let id = self.units.len();
        self.await_measurements(id, &unit);
        self.units.push(unit);
        self.count_in(id);
        self.shelve(id);
    }

    /// Add all tests of a unit to the running sums.
    pub(super) fn count_in(&mut self, id: UnitId) {
        let unit = &self.units[id];
        for test in &unit.tests {
            self.stock.add(unit.class, unit.kind, self.estimates.known(*test));
        }
    }

    /// Take all tests of a unit out of the running sums.
    pub(super) fn count_out(&mut self, id: UnitId) {
        let unit = &self.units[id];
        for test in &unit.tests {
            self.stock.remove(unit.class, unit.kind, self.estimates.known(*test));
        }
    }

    pub(super) fn desk(&self, slot: Slot) -> &Desk {
        &self.desks[slot.index()]
    }

    pub(super) fn desk_mut(&mut self, slot: Slot) -> &mut Desk {
        &mut self.desks[slot.index()]
    }
}
