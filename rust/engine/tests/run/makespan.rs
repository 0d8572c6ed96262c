//! How close runs come to the bound.

use std::time::Duration;

use engine::Suite;
use proptest::prelude::*;

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

#[test]
fn log_normal_suite_ends_near_its_bound() {
    for (seed, workers) in [(1, 4), (2, 8), (3, 12), (4, 8)] {
        let seconds = log_normal(seed);
        let (suite, truth) = measured(&seconds, 50);
        let ratio = makespan(suite, truth, workers) / bound(&seconds, workers);
        println!("{workers} workers: {ratio:.4} of the bound");
        assert!(ratio <= 1.03, "{workers} workers: {ratio:.4} of the bound");
    }
}

#[test]
fn first_run_ends_within_twice_the_bound() {
    for (seed, workers) in [(1, 4), (2, 8), (3, 12)] {
        let seconds = log_normal(seed);
        let (suite, truth) = measured(&seconds, 50);
        let ratio = makespan(unmeasured(suite), truth, workers) / bound(&seconds, workers);
        println!("{workers} workers: {ratio:.4} of the bound");
        assert!(ratio <= 2.0, "{workers} workers: {ratio:.4} of the bound");
    }
}

#[test]
fn empty_tests_keep_workers_busy() {
    let seconds = vec![0.0002; 10_000];
    let (suite, truth) = measured(&seconds, 50);
    let ratio = makespan(suite, truth, 2) / bound(&seconds, 2);
    println!("{ratio:.4} of the bound");
    assert!(ratio <= 1.02, "{ratio:.4} of the bound");
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
        prop_assert!(makespan <= bound(&seconds, workers) * 4.0 / 3.0 + slack, "{makespan}");
    }
}
