//! What it costs to separate two neighbours that share set-ups.

use std::time::Duration;

use super::estimates::time;
use crate::event::FixtureSetUp;
use crate::ids::{FixtureId, TestId};
use crate::suite::{Suite, Test};

/// Repeated set-ups cheaper than this keep nobody together: a worker that starves at the end loses more
/// (one round trip with the supervisor's coalescing is up to 2 ms, a batch 30 ms).
const WORTH_KEEPING: Duration = Duration::from_millis(5);

/// What lies between two neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seam {
    /// Nothing worth keeping.
    Free,
    /// Set-ups that a split repeats, and their time.
    Costly(Duration),
    /// Set-ups that nobody has measured.
    Unmeasured,
}

/// What the shared set-ups cost, as far as it is known.
#[derive(Clone, Debug)]
pub(super) struct FixtureCosts {
    costs: Vec<Option<Duration>>,
    /// Each test's shared set-ups narrower than the session, in the order given.
    binding: Vec<Box<[FixtureId]>>,
}

impl FixtureCosts {
    pub(super) fn new(suite: &Suite) -> Self {
        let costs = suite.fixtures.iter().map(|fixture| fixture.cost.map(time)).collect();
        let binding = suite.tests.iter().map(|test| binding(suite, test)).collect();
        Self { costs, binding }
    }

    /// Shared set-ups of a test that are narrower than the session.
    pub(super) fn binding(&self, test: TestId) -> &[FixtureId] {
        &self.binding[test.index()]
    }

    pub(super) fn is_measured(&self, fixture: FixtureId) -> bool {
        self.costs[fixture.index()].is_some()
    }

    /// What splitting before `right` costs when `left` goes just before it.
    pub(super) fn seam(&self, left: TestId, right: TestId) -> Seam {
        let right = self.binding(right);
        let mut total = Duration::ZERO;
        for fixture in self.binding(left).iter().filter(|fixture| right.contains(fixture)) {
            match self.costs[fixture.index()] {
                Some(cost) => total += cost,
                None => return Seam::Unmeasured,
            }
        }
        if total < WORTH_KEEPING { Seam::Free } else { Seam::Costly(total) }
    }

    /// The known set-up time of some tests that run one after another, each set-up once.
    pub(super) fn set_up_time(&self, tests: impl Iterator<Item = TestId>) -> Duration {
        let mut total = Duration::ZERO;
        let mut before: &[FixtureId] = &[];
        for test in tests {
            let now = self.binding(test);
            let new = now.iter().filter(|fixture| !before.contains(fixture));
            total += new.filter_map(|fixture| self.costs[fixture.index()]).sum::<Duration>();
            before = now;
        }
        total
    }

    /// A set-up was done in this run. `true` if nothing had been known about it.
    pub(super) fn learn(&mut self, set_up: FixtureSetUp) -> bool {
        match self.costs.get_mut(set_up.fixture.index()) {
            Some(cost @ None) => {
                *cost = Some(time(set_up.seconds));
                true
            }
            _ => false,
        }
    }
}

fn binding(suite: &Suite, test: &Test) -> Box<[FixtureId]> {
    let narrow = |fixture: &FixtureId| suite.fixtures.get(fixture.index()).is_some_and(|fixture| !fixture.session);
    test.fixtures.iter().copied().filter(narrow).collect()
}

#[cfg(test)]
mod tests {
    use super::super::units::testing::{fixture, session_fixture, suite, test, unmeasured};
    use super::*;

    fn seam(left: &[u32], right: &[u32]) -> Seam {
        let mut suite = suite([test(0).using(left), test(0).using(right)]);
        suite.fixtures = vec![session_fixture(9.0), unmeasured(), fixture(0.3)];
        suite.fixtures.push(fixture(0.001));
        FixtureCosts::new(&suite).seam(TestId(0), TestId(1))
    }

    #[test]
    fn shared_set_ups_make_a_seam_costly() {
        assert_eq!(seam(&[2, 3], &[3, 2]), Seam::Costly(Duration::from_millis(301)));
    }

    #[test]
    fn session_fixtures_bind_nothing() {
        assert_eq!(seam(&[0], &[0]), Seam::Free);
    }

    #[test]
    fn cheap_set_ups_bind_nothing() {
        assert_eq!(seam(&[3], &[3, 2]), Seam::Free);
    }

    #[test]
    fn unmeasured_set_up_makes_seam_unmeasured() {
        assert_eq!(seam(&[1, 2], &[2, 1]), Seam::Unmeasured);
    }

    #[test]
    fn set_up_is_counted_once_per_stretch() {
        let mut suite = suite([test(0).using(&[0]), test(0).using(&[0]), test(0), test(0).using(&[0])]);
        suite.fixtures = vec![fixture(1.0)];
        let costs = FixtureCosts::new(&suite);
        assert_eq!(costs.set_up_time((0..4).map(TestId)), Duration::from_secs(2));
    }

    #[test]
    fn only_first_measurement_is_news() {
        let mut suite = suite([test(0).using(&[0])]);
        suite.fixtures = vec![unmeasured()];
        let mut costs = FixtureCosts::new(&suite);
        let set_up = FixtureSetUp { fixture: FixtureId(0), seconds: 1.0 };
        assert!(costs.learn(set_up) && !costs.learn(set_up));
        assert!(!costs.learn(FixtureSetUp { fixture: FixtureId(77), seconds: 1.0 }));
    }
}
