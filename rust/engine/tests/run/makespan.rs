//! How close runs come to the bound.

use std::time::Duration;

use engine::{Fixture, FixtureId, ResourceId, Suite};
use proptest::prelude::*;

use crate::chance::Chance;
use crate::suites::{config, log_normal, measured, unmeasured};
use crate::world::{Truth, Weather, World};

/// Messages take what was measured: a round trip and the supervisor's coalescing.
fn weather(seed: u64) -> Weather {
    Weather { seed, delay: Duration::from_micros(500), ..Weather::default() }
}

fn makespan(suite: Suite, truth: Truth, workers: u16) -> f64 {
    World::new(suite, config(workers), truth, weather(7)).play().ended_at.as_secs_f64()
}

fn bound(seconds: &[f64], workers: u16) -> f64 {
    let longest = seconds.iter().copied().fold(0.0, f64::max);
    longest.max(seconds.iter().sum::<f64>() / f64::from(workers))
}

/// What no schedule of whole tests can beat: of the longest `k * workers + 1` some `k + 1` share a worker.
fn least(seconds: &[f64], workers: u16) -> f64 {
    let mut longest = seconds.to_vec();
    longest.sort_by(|one, other| other.total_cmp(one));
    let sharing =
        |k: usize| longest.get(..=k * usize::from(workers)).map(|some| some[some.len() - k - 1..].iter().sum());
    (1..).map_while(sharing).fold(bound(seconds, workers), f64::max)
}

#[test]
fn log_normal_suite_ends_near_its_bound() {
    for (seed, workers) in [(1, 4), (2, 8), (3, 12), (4, 8)] {
        let seconds = log_normal(seed);
        let (suite, truth) = measured(&seconds, 50);
        let ratio = makespan(suite, truth, workers) / bound(&seconds, workers);
        assert!(ratio <= 1.03, "{workers} workers: {ratio:.4} of the bound");
    }
}

#[test]
fn wrong_estimates_cost_little() {
    for (seed, workers) in [(5, 4), (6, 8)] {
        let seconds = log_normal(seed);
        let (mut suite, truth) = measured(&seconds, 50);
        let mut chance = Chance(seed);
        for test in &mut suite.tests {
            test.estimate = test.estimate.map(|seconds| seconds * (0.4 * chance.normal()).exp());
        }
        let ratio = makespan(suite, truth, workers) / bound(&seconds, workers);
        assert!(ratio <= 1.05, "{workers} workers: {ratio:.4} of the bound");
    }
}

#[test]
fn what_goes_first_makes_nothing_else_come_last() {
    // Behind many short tests one that need not go first by its length, and behind that many that must.
    let seconds: Vec<f64> = [vec![0.1; 840], vec![0.97], vec![1.1; 32]].concat();
    let (suite, truth) = measured(&seconds, 2);
    let ratio = makespan(suite, truth, 12) / bound(&seconds, 12);
    assert!(ratio <= 1.05, "{ratio:.4} of the bound");
}

#[test]
fn first_run_ends_within_twice_the_bound() {
    for (seed, workers) in [(1, 4), (2, 8), (3, 12)] {
        let seconds = log_normal(seed);
        let (suite, truth) = measured(&seconds, 50);
        let ratio = makespan(unmeasured(suite), truth, workers) / bound(&seconds, workers);
        assert!(ratio <= 2.0, "{workers} workers: {ratio:.4} of the bound");
    }
}

#[test]
fn empty_tests_keep_workers_busy() {
    let seconds = vec![0.0002; 10_000];
    let (suite, truth) = measured(&seconds, 50);
    let ratio = makespan(suite, truth, 2) / bound(&seconds, 2);
    assert!(ratio <= 1.02, "{ratio:.4} of the bound");
}

/// One file whose tests share a set-up.
fn sharing(tests: usize, seconds: f64, set_up: f64) -> (Suite, Truth) {
    let (mut suite, mut truth) = measured(&vec![seconds; tests], tests);
    suite.tests.iter_mut().for_each(|test| test.fixtures = vec![FixtureId(0)]);
    suite.fixtures = vec![Fixture { cost: Some(set_up), session: false }];
    truth.fixtures = vec![set_up];
    (suite, truth)
}

#[test]
fn bound_tests_are_split_when_it_pays() {
    let (suite, truth) = sharing(100, 0.1, 0.5);
    let makespan = makespan(suite, truth, 4);
    assert!(makespan <= 1.2 * (10.0 + 4.0 * 0.5) / 4.0, "{makespan}");
}

#[test]
fn bound_tests_of_one_resource_are_not_split() {
    let (mut suite, truth) = sharing(100, 0.1, 0.5);
    suite.tests.iter_mut().for_each(|test| test.resources = vec![ResourceId(0)]);
    suite.resources = vec![1];
    let monitor = World::new(suite, config(4), truth, weather(7)).play();
    assert_eq!(monitor.set_ups, 1);
}

#[test]
fn bound_tests_stay_together_when_it_does_not() {
    let (suite, truth) = sharing(10, 0.1, 5.0);
    let monitor = World::new(suite, config(4), truth, weather(7)).play();
    assert_eq!(monitor.set_ups, 1);
}

#[test]
fn cheap_unmeasured_set_up_holds_nobody_for_long() {
    let (suite, truth) = sharing(100, 0.1, 0.0001);
    let makespan = makespan(unmeasured(suite), truth, 4);
    assert!(makespan <= 1.1 * 10.0 / 4.0, "{makespan}");
}

#[test]
fn files_with_costly_set_ups_are_not_torn_apart() {
    let (mut suite, mut truth) = measured(&vec![0.02; 400], 20);
    suite.tests.iter_mut().for_each(|test| test.fixtures = vec![FixtureId(test.module.0)]);
    suite.fixtures = vec![Fixture { cost: Some(0.3), session: false }; 20];
    truth.fixtures = vec![0.3; 20];
    let monitor = World::new(suite, config(4), truth, weather(7)).play();
    assert!(monitor.set_ups <= 20 + 4, "{} set-ups", monitor.set_ups);
    assert!(monitor.ended_at.as_secs_f64() <= 1.05 * (8.0 + 6.0) / 4.0, "{:?}", monitor.ended_at);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn known_suite_ends_within_four_thirds(
        seconds in proptest::collection::vec(prop_oneof![0.01..0.1, 0.05..3.0], 1..80), workers in 1_u16..9,
    ) {
        let (suite, truth) = measured(&seconds, 7);
        // A batch, and the messages at the start and the end, are not the plan's.
        let slack = 0.04;
        let makespan = makespan(suite, truth, workers);
        prop_assert!(makespan <= least(&seconds, workers) * 4.0 / 3.0 + slack, "{makespan}");
    }
}
