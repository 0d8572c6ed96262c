//! What a plan promises: how long the run takes at best.

use std::time::Duration;

use super::classes::{FREE, SERIAL};
use super::plan::Plan;
use super::units::{Kind, Unit};

/// What is thought about a run before it starts. Times are estimates; an unknown test counts as the median.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outlook {
    /// All tests and the shared set-ups that are known, one after another.
    pub work: Duration,
    /// The longest thing that cannot be divided: a test, a group, or what waits for one resource.
    pub longest: Duration,
    /// Tests that run alone.
    pub serial: Duration,
    /// No run with so many workers can be shorter.
    pub bound: Duration,
    /// What each worker is likely to get, by slot.
    pub shares: Vec<Share>,
}

/// What one worker is likely to get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Tests.
    pub tests: usize,
    /// Estimated time.
    pub time: Duration,
}

impl Outlook {
    pub(super) fn of(plan: &Plan) -> Self {
        let time = |unit: &Unit| unit.time(&plan.estimates) + unit.set_up;
        let work: Duration = plan.units.iter().map(time).sum();
        let serial = plan.units.iter().filter(|unit| unit.class == SERIAL).map(time).sum();
        let chains = (SERIAL + 1..plan.shelves.len()).map(|class| plan.chain(class));
        let indivisible = plan.units.iter().filter(|unit| unit.class != SERIAL).map(|unit| indivisible(plan, unit));
        let longest = indivisible.chain(chains).max().unwrap_or_default();
        let even = work.saturating_sub(serial) / u32::from(plan.workers);
        Self { work, longest, serial, bound: even.max(longest) + serial, shares: shares(plan) }
    }
}

/// The longest part of a unit that one worker has to do alone.
fn indivisible(plan: &Plan, unit: &Unit) -> Duration {
    if unit.kind == Kind::Hard {
        return unit.time(&plan.estimates) + unit.set_up;
    }
    unit.tests.iter().map(|test| plan.estimates.of(*test)).max().unwrap_or_default()
}

/// Deal blocks to whoever has least, then tests of the fillers one by one.
fn shares(plan: &Plan) -> Vec<Share> {
    let mut shares = vec![Share::default(); usize::from(plan.workers)];
    for class in [FREE].into_iter().chain(SERIAL + 1..plan.shelves.len()).chain([SERIAL]) {
        for key in &plan.shelves[class] {
            let unit = &plan.units[key.unit];
            if unit.kind == Kind::Loose {
                unit.tests.iter().for_each(|test| deal(&mut shares, 1, plan.estimates.of(*test)));
            } else {
                deal(&mut shares, unit.tests.len(), unit.time(&plan.estimates) + unit.set_up);
            }
        }
    }
    shares
}

fn deal(shares: &mut [Share], tests: usize, time: Duration) {
    if let Some(share) = shares.iter_mut().min_by_key(|share| share.time) {
        share.tests += tests;
        share.time += time;
    }
}

#[cfg(test)]
mod tests {
    use super::super::units::testing::{suite, test};
    use super::*;
    use crate::suite::{Config, Limits, Order, Recycling, Retries, Test};

    fn outlook(tests: impl IntoIterator<Item = Test>) -> Outlook {
        let mut suite = suite(tests);
        suite.resources = vec![1];
        let second = Duration::from_secs(1);
        let limits = Limits { test: None, worker: second, run: None, slow: second, stacks: second, grace: second };
        let config = Config {
            workers: 2,
            max_failures: None,
            limits,
            max_restarts: 0,
            order: Order::LongestFirst,
            asks: false,
            recycling: Recycling::default(),
            retries: Retries { most: 0, delay: second, seed: 0 },
            scaling: None,
        };
        Plan::new(&suite, &config).outlook()
    }

    fn seconds(outlook: &Outlook) -> [u64; 4] {
        [outlook.work, outlook.longest, outlook.serial, outlook.bound].map(|time| time.as_secs())
    }

    #[test]
    fn even_work_is_divided_by_workers() {
        let outlook = outlook(vec![test(0).lasting(1.0); 8]);
        assert_eq!(seconds(&outlook), [8, 1, 0, 4]);
        assert_eq!(outlook.shares, [Share { tests: 4, time: Duration::from_secs(4) }; 2]);
    }

    #[test]
    fn group_is_as_long_as_its_tests() {
        let group = vec![test(0).lasting(2.0).grouped(0); 3];
        assert_eq!(seconds(&outlook(group)), [6, 6, 0, 6]);
    }

    #[test]
    fn tests_of_one_resource_follow_each_other() {
        let users = vec![test(0).lasting(2.0).needing(&[0]); 3];
        assert_eq!(seconds(&outlook(users)), [6, 6, 0, 6]);
    }

    #[test]
    fn serial_tests_come_on_top() {
        let tests = [test(0).lasting(3.0).alone(), test(0).lasting(2.0), test(0).lasting(2.0)];
        assert_eq!(seconds(&outlook(tests)), [7, 2, 3, 5]);
    }
}
