//! Work for a worker that found nothing on the shelves: a part of what another has begun.

use std::time::Duration;

use super::batch::{Access, Batch};
use super::classes::SERIAL;
use super::fixtures::Seam;
use super::plan::Plan;
use super::units::{Kind, Unit, UnitId};
use crate::ids::{Slot, TestId};

/// Where a bound unit would be cut.
struct Split {
    /// How many tests the owner keeps.
    keep: usize,
    /// Set-up time that the split repeats.
    repeated: Duration,
    /// When the later of the two workers would be done.
    end: Duration,
}

impl Plan {
    /// Whether a part of this unit may come free, now or when its fixtures have been measured.
    pub(super) fn may_be_split(&self, unit: UnitId) -> bool {
        let unit = &self.units[unit];
        !unit.tests.is_empty() && matches!(unit.kind, Kind::Loose | Kind::Unmeasured)
    }

    /// Split off the later part of a unit on which another worker works.
    pub(super) fn steal(&mut self, slot: Slot, batch: &Batch) -> Option<UnitId> {
        self.steal_neighbours(slot, batch.access()).or_else(|| self.steal_bound(slot, batch))
    }

    /// Half of the largest run of neighbours.
    fn steal_neighbours(&mut self, slot: Slot, access: Access) -> Option<UnitId> {
        let loose = |id: &UnitId| self.units[*id].kind == Kind::Loose;
        let victim = self.prey(slot, access).filter(loose).max_by_key(|id| self.units[*id].time(&self.estimates))?;
        let keep = self.units[victim].tests.len() / 2;
        Some(self.split(victim, keep, Duration::ZERO, slot))
    }

    /// The part of a bound unit that ends earlier here, set-ups repeated, than there. Splitting has to win more time
    /// at the end than it costs work.
    fn steal_bound(&mut self, slot: Slot, batch: &Batch) -> Option<UnitId> {
        let busy = &batch.room.busy;
        let mut best: Option<(Duration, UnitId, Split)> = None;
        for unit in self.prey(slot, batch.access()) {
            let Some((gain, split)) = self.bound_split(unit, busy) else { continue };
            if best.as_ref().is_none_or(|(most, ..)| gain > *most) {
                best = Some((gain, unit, split));
            }
        }
        let (_, unit, split) = best?;
        Some(self.split(unit, split.keep, split.repeated, slot))
    }

    /// The best split of a bound unit and the time that it wins, if it is worth it.
    fn bound_split(&self, id: UnitId, busy: &[Duration]) -> Option<(Duration, Split)> {
        let unit = &self.units[id];
        let Kind::Bound { cheapest } = unit.kind else { return None };
        let owner = unit.owner?;
        let ahead = busy.get(owner.index()).copied().unwrap_or_default();
        let whole = ahead + unit.time(&self.estimates);
        if whole <= cheapest * 3 {
            return None;
        }
        let split = self.best_split(unit, ahead, whole)?;
        let gain = whole.saturating_sub(split.end);
        (gain > split.repeated).then_some((gain, split))
    }

    fn best_split(&self, unit: &Unit, ahead: Duration, whole: Duration) -> Option<Split> {
        let mut left = unit.last;
        let mut before = ahead;
        let mut best: Option<Split> = None;
        for (keep, test) in unit.tests.iter().enumerate() {
            let repeated = left.map_or(Duration::ZERO, |left| self.repeated(left, *test));
            let end = before.max(repeated + whole.saturating_sub(before));
            if best.as_ref().is_none_or(|best| end < best.end) {
                best = Some(Split { keep, repeated, end });
            }
            before += self.estimates.of(*test);
            left = Some(*test);
        }
        best
    }

    fn repeated(&self, left: TestId, right: TestId) -> Duration {
        match self.costs.seam(left, right) {
            Seam::Costly(cost) => cost,
            Seam::Free | Seam::Unmeasured => Duration::ZERO,
        }
    }

    /// Units with tests left that others have begun and whose tests this worker may run beside them.
    fn prey(&self, slot: Slot, access: Access) -> impl Iterator<Item = UnitId> {
        let others = self.desks.iter().enumerate().filter(move |(index, _)| *index != slot.index());
        let begun = others.flat_map(|(_, desk)| desk.units.iter().copied());
        begun.filter(move |id| {
            let unit = &self.units[*id];
            unit.class != SERIAL && self.may_hold(slot, unit.class, access) && self.offer(slot, *id).is_some()
        })
    }

    fn split(&mut self, victim: UnitId, keep: usize, set_up: Duration, thief: Slot) -> UnitId {
        let mut kept = std::mem::take(&mut self.units[victim].tests);
        let moved = kept.split_off(keep);
        let mut part = self.units[victim].clone();
        part.replace_tests(moved, &self.estimates);
        (part.owner, part.set_up, part.last, part.key) = (Some(thief), set_up, None, None);
        self.units[victim].replace_tests(kept, &self.estimates);
        let id = self.units.len();
        self.units.push(part);
        self.desks[thief.index()].units.push(id);
        id
    }
}
