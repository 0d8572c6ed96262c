//! Exclusion: which tests need which resources, and who holds them.

use std::collections::{BTreeSet, HashMap};

use crate::ids::{GroupId, ResourceId, TestId};
use crate::suite::{Suite, Test};

/// Tests that need exactly the same resources. Two classes have a meaning of their own.
pub(super) type Class = usize;

/// Tests that need nothing.
pub(super) const FREE: Class = 0;

/// Tests that run while nothing else does.
pub(super) const SERIAL: Class = 1;

/// Each test's class, and how many workers hold each resource.
#[derive(Clone, Debug)]
pub(super) struct Classes {
    of: Vec<Class>,
    needs: Vec<BTreeSet<ResourceId>>,
    held: HashMap<ResourceId, u32>,
    slots: HashMap<ResourceId, u32>,
}

impl Classes {
    pub(super) fn new(suite: &Suite, workers: u16) -> Self {
        let scarce = scarce_resources(suite, workers);
        let groups = group_needs(suite, &scarce);
        let mut classes =
            Self { of: Vec::new(), needs: vec![BTreeSet::new(); 2], held: HashMap::new(), slots: scarce.clone() };
        let mut known = HashMap::new();
        for test in &suite.tests {
            let need = test.group.map_or_else(|| Need::of(test, &scarce), |group| groups[&group].clone());
            let class = classes.class(need, &mut known);
            classes.of.push(class);
        }
        classes
    }

    pub(super) fn of(&self, test: TestId) -> Class {
        self.of[test.index()]
    }

    pub(super) fn count(&self) -> usize {
        self.needs.len()
    }

    /// How many workers can run tests of this class at once.
    pub(super) fn width(&self, class: Class) -> u32 {
        self.needs[class].iter().map(|resource| self.slots[resource]).min().unwrap_or(1)
    }

    /// Whether everything that the class needs can be had now.
    pub(super) fn can_acquire(&self, class: Class) -> bool {
        self.needs[class].iter().all(|resource| self.held.get(resource).is_none_or(|held| *held < self.slots[resource]))
    }

    pub(super) fn acquire(&mut self, class: Class) {
        for resource in &self.needs[class] {
            *self.held.entry(*resource).or_default() += 1;
        }
    }

    pub(super) fn release(&mut self, class: Class) {
        for resource in &self.needs[class] {
            self.held.entry(*resource).and_modify(|held| *held = held.saturating_sub(1));
        }
    }

    fn class(&mut self, need: Need, known: &mut HashMap<BTreeSet<ResourceId>, Class>) -> Class {
        if need.serial {
            return SERIAL;
        }
        if need.resources.is_empty() {
            return FREE;
        }
        *known.entry(need.resources).or_insert_with_key(|resources| {
            self.needs.push(resources.clone());
            self.needs.len() - 1
        })
    }
}

#[derive(Clone, Default)]
struct Need {
    serial: bool,
    resources: BTreeSet<ResourceId>,
}

impl Need {
    fn of(test: &Test, scarce: &HashMap<ResourceId, u32>) -> Self {
        let resources = test.resources.iter().copied().filter(|resource| scarce.contains_key(resource)).collect();
        Self { serial: test.serial, resources }
    }

    fn add(&mut self, other: Self) {
        self.serial |= other.serial;
        self.resources.extend(other.resources);
    }
}

/// Resources that can run out, with their slots. Others (one user each, say) would only make classes.
fn scarce_resources(suite: &Suite, workers: u16) -> HashMap<ResourceId, u32> {
    let mut users: HashMap<ResourceId, u32> = HashMap::new();
    for resource in suite.tests.iter().flat_map(|test| &test.resources) {
        *users.entry(*resource).or_default() += 1;
    }
    let slots = |resource: ResourceId| suite.resources.get(resource.index()).copied().unwrap_or(1).max(1);
    let scarce = |(resource, users): (ResourceId, u32)| {
        let slots = slots(resource);
        (slots < users.min(u32::from(workers))).then_some((resource, slots))
    };
    users.into_iter().filter_map(scarce).collect()
}

/// A group needs what any of its tests needs, from its start to its end.
fn group_needs(suite: &Suite, scarce: &HashMap<ResourceId, u32>) -> HashMap<GroupId, Need> {
    let mut needs: HashMap<GroupId, Need> = HashMap::new();
    for test in &suite.tests {
        if let Some(group) = test.group {
            needs.entry(group).or_default().add(Need::of(test, scarce));
        }
    }
    needs
}

#[cfg(test)]
mod tests {
    use super::super::units::testing::{suite, test};
    use super::*;

    fn classes(tests: impl IntoIterator<Item = Test>, slots: &[u32]) -> Classes {
        let mut suite = suite(tests);
        suite.resources = slots.to_vec();
        Classes::new(&suite, 8)
    }

    #[test]
    fn group_takes_the_union_of_needs() {
        let grouped = |resource| test(0).grouped(0).needing(&[resource]);
        let classes = classes([grouped(0), grouped(1), test(0).needing(&[1, 0]), test(0).needing(&[0])], &[1, 1]);
        assert_eq!(classes.of(TestId(0)), classes.of(TestId(2)));
        assert_ne!(classes.of(TestId(0)), classes.of(TestId(3)));
    }

    #[test]
    fn resource_is_held_up_to_its_slots() {
        let mut classes = classes(vec![test(0).needing(&[0]); 3], &[2]);
        let class = classes.of(TestId(0));
        classes.acquire(class);
        assert!(classes.can_acquire(class));
        classes.acquire(class);
        assert!(!classes.can_acquire(class));
        classes.release(class);
        assert!(classes.can_acquire(class));
    }

    #[test]
    fn resource_of_one_user_excludes_nobody() {
        let classes = classes([test(0).needing(&[0]), test(0).needing(&[1])], &[1, 1]);
        assert_eq!((classes.of(TestId(0)), classes.of(TestId(1)), classes.count()), (FREE, FREE, 2));
    }

    #[test]
    fn serial_test_makes_its_group_serial() {
        let classes = classes([test(0).grouped(3), test(0).grouped(3).alone(), test(0)], &[]);
        assert_eq!([0, 1, 2].map(|index| classes.of(TestId(index))), [SERIAL, SERIAL, FREE]);
    }
}
