//! Whole groups: sets of tests that no machine should share with another.

use std::collections::HashMap;

use super::fixtures::FixtureCosts;
use crate::ids::TestId;
use crate::suite::Suite;

/// The groups over which a suite is sharded, in the order of their first tests, each in collection order.
///
/// Tests of one named group are together; so are tests that need the same shared set-up narrower than the session,
/// whatever it costs, because costs differ between machines and a shard must not. All others are groups of one.
pub fn groups(suite: &Suite) -> Vec<Vec<TestId>> {
    let mut ties = Ties::new(suite.tests.len());
    let costs = FixtureCosts::new(suite);
    let (mut named, mut sharing) = (HashMap::new(), HashMap::new());
    for (index, test) in suite.tests.iter().enumerate() {
        if let Some(group) = test.group {
            ties.tie(*named.entry(group).or_insert(index), index);
        }
        for fixture in costs.binding(TestId(index as u32)) {
            ties.tie(*sharing.entry(*fixture).or_insert(index), index);
        }
    }
    ties.sets()
}

/// Disjoint sets; each is known by its smallest member.
struct Ties {
    parent: Vec<usize>,
}

impl Ties {
    fn new(len: usize) -> Self {
        Self { parent: (0..len).collect() }
    }

    fn root(&mut self, mut member: usize) -> usize {
        while self.parent[member] != member {
            self.parent[member] = self.parent[self.parent[member]];
            member = self.parent[member];
        }
        member
    }

    fn tie(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.parent[a.max(b)] = a.min(b);
    }

    fn sets(mut self) -> Vec<Vec<TestId>> {
        let mut sets: Vec<Vec<TestId>> = Vec::new();
        let mut place = HashMap::new();
        for index in 0..self.parent.len() {
            let root = self.root(index);
            let set = *place.entry(root).or_insert_with(|| {
                sets.push(Vec::new());
                sets.len() - 1
            });
            sets[set].push(TestId(index as u32));
        }
        sets
    }
}

#[cfg(test)]
mod tests {
    use super::super::units::testing::{fixture, ids, session_fixture, suite, test};
    use super::*;

    #[test]
    fn shared_set_ups_and_names_tie_tests() {
        let tests =
            [test(0).using(&[0]), test(0).grouped(7), test(0).using(&[1]), test(0).using(&[1, 0]), test(1).grouped(7)];
        let mut suite = suite(tests);
        suite.fixtures = vec![fixture(0.0), fixture(1.0)];
        assert_eq!(groups(&suite), [ids([0, 2, 3]), ids([1, 4])]);
    }

    #[test]
    fn session_fixtures_tie_nothing() {
        let mut suite = suite(vec![test(0).using(&[0]); 2]);
        suite.fixtures = vec![session_fixture(3.0)];
        assert_eq!(groups(&suite), [ids([0]), ids([1])]);
    }
}
