//! What this run itself teaches about fixtures.

use super::cut::{Cutter, Piece};
use super::plan::Plan;
use super::units::{Kind, Unit, UnitId};
use crate::event::FixtureSetUp;
use crate::ids::{FixtureId, TestId};

impl Plan {
    /// A set-up was measured; what only waited for that may be cut now.
    pub(super) fn learn_set_up(&mut self, set_up: FixtureSetUp) {
        if self.costs.learn(set_up) {
            for unit in self.unmeasured.remove(&set_up.fixture).unwrap_or_default() {
                self.cut_again(unit);
            }
        }
    }

    /// A test ended well and nobody has told of some set-up that it needs: it cannot have taken long.
    pub(super) fn learn_silence(&mut self, test: TestId) {
        let silent = |fixture: &FixtureId| !self.costs.is_measured(*fixture);
        let fixtures: Vec<_> = self.costs.binding(test).iter().copied().filter(silent).collect();
        for fixture in fixtures {
            self.learn_set_up(FixtureSetUp { fixture, seconds: 0.0 });
        }
    }

    /// Remember which fixtures a unit waits for.
    pub(super) fn await_measurements(&mut self, id: UnitId, unit: &Unit) {
        if unit.kind != Kind::Unmeasured {
            return;
        }
        for test in &unit.tests {
            for fixture in self.costs.binding(*test) {
                if !self.costs.is_measured(*fixture) {
                    let waiting = self.unmeasured.entry(*fixture).or_default();
                    if waiting.last() != Some(&id) {
                        waiting.push(id);
                    }
                }
            }
        }
    }

    /// Cut what is left of a unit as if it had been known from the start. Its worker keeps the first piece.
    fn cut_again(&mut self, id: UnitId) {
        if self.units[id].kind != Kind::Unmeasured || self.units[id].tests.is_empty() {
            return;
        }
        let row: Vec<TestId> = self.units[id].tests.iter().copied().collect();
        let cutter = Cutter { estimates: &self.estimates, costs: &self.costs, course: &self.course };
        let mut pieces = cutter.cut(&row);
        pieces.sort_by_key(|piece| piece.tests[0]);
        let mut pieces = pieces.into_iter();
        if let Some(first) = pieces.next() {
            self.shrink(id, first);
        }
        let Unit { class, turn, .. } = self.units[id];
        for piece in pieces {
            let mut unit = Unit::new(piece, class, turn, &self.estimates);
            unit.set_up = self.costs.set_up_time(unit.tests.iter().copied());
            self.add_unit(unit);
        }
    }

    /// Leave only this piece in the unit.
    fn shrink(&mut self, id: UnitId, piece: Piece) {
        let shelved = self.unshelve(id);
        self.count_out(id);
        let unit = &mut self.units[id];
        (unit.kind, unit.block) = (piece.kind, piece.block);
        unit.replace_tests(piece.tests.into(), &self.estimates);
        self.count_in(id);
        if shelved.is_some() {
            self.shelve(id);
        }
    }
}
