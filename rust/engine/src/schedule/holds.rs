//! Who holds which resources, and who runs alone.

use super::batch::Access;
use super::classes::{Class, FREE, SERIAL};
use super::plan::{Desk, Plan};
use super::units::{Kind, UnitId};
use crate::ids::{Slot, TestId};

/// The resources of a class, or the whole run for a serial test.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hold {
    pub(super) class: Class,
    /// Tests of the class that were handed out and are not over.
    handed: usize,
}

impl Plan {
    /// Whether tests that have to run alone are out.
    pub(crate) fn is_serial(&self) -> bool {
        self.desks.iter().any(|desk| desk.holds(SERIAL))
    }

    /// Whether the worker has what tests of this class need, or can have it now.
    pub(super) fn may_hold(&self, slot: Slot, class: Class, access: Access) -> bool {
        match self.desk(slot).hold {
            _ if class == FREE => true,
            Some(hold) => hold.class == class,
            None => access.fresh && (class != SERIAL || access.alone) && self.classes.can_acquire(class),
        }
    }

    pub(super) fn hold(&mut self, slot: Slot, class: Class) {
        match &mut self.desk_mut(slot).hold {
            Some(hold) => hold.handed += 1,
            empty @ None => {
                *empty = Some(Hold { class, handed: 1 });
                self.classes.acquire(class);
            }
        }
    }

    pub(super) fn count_down(&mut self, slot: Slot, test: TestId) {
        let class = self.classes.of(test);
        if let Some(hold) = self.desk_mut(slot).hold.as_mut().filter(|hold| hold.class == class) {
            hold.handed = hold.handed.saturating_sub(1);
        }
    }

    /// Let go of resources that nothing needs any more: a group keeps its until its end.
    pub(super) fn loosen_hold(&mut self, slot: Slot) {
        let Some(Hold { class, handed: 0 }) = self.desk(slot).hold else { return };
        let in_group = |unit: &UnitId| {
            let unit = &self.units[*unit];
            unit.kind == Kind::Hard && unit.class == class && !unit.tests.is_empty()
        };
        if !self.desk(slot).units.iter().any(in_group) {
            self.desk_mut(slot).hold = None;
            self.classes.release(class);
        }
    }
}

impl Desk {
    pub(super) fn holds(&self, class: Class) -> bool {
        self.hold.is_some_and(|hold| hold.class == class)
    }
}
