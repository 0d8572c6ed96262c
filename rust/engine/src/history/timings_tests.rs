use proptest::collection::{hash_map, vec};
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::verdict::Verdict;

const ID: &str = "tests/test_a.py::test_b";

fn run(verdict: Verdict, duration: f64, timestamp: f64) -> Measurement {
    Measurement { verdict, duration, setup: duration / 2.0, timestamp, worker: Some("gw1".into()), with_shared: false }
}

fn recorded(runs: &[Measurement]) -> Entry {
    let mut timings = Timings::default();
    for run in runs {
        timings.record(ID, run.clone()).unwrap();
    }
    timings.get(ID).unwrap().clone()
}

#[test]
fn first_run_is_the_estimate() {
    let mut timings = Timings::default();
    assert_eq!(timings.estimate(ID), None);
    timings.record(ID, run(Verdict::Passed, 2.0, 10.0)).unwrap();
    assert_eq!(timings.estimate(ID), Some(2.0));
}

#[test]
fn later_run_moves_the_average_by_three_tenths() {
    let entry = recorded(&[run(Verdict::Passed, 2.0, 10.0), run(Verdict::Xfailed, 4.0, 20.0)]);
    assert_eq!((entry.duration, entry.setup, entry.runs), (2.6, 1.3, 2));
    assert_eq!((entry.status, entry.timestamp), (Verdict::Xfailed, Some(20.0)));
}

#[test]
fn untypical_run_changes_status_and_not_the_average() {
    for verdict in [Verdict::Failed, Verdict::Error, Verdict::Skipped, Verdict::Timeout, Verdict::Crashed] {
        let entry = recorded(&[run(Verdict::Passed, 2.0, 10.0), run(verdict, 300.0, 20.0)]);
        assert_eq!((entry.duration, entry.status, entry.timestamp), (2.0, verdict, Some(20.0)));
    }
}

#[test]
fn typical_run_replaces_a_provisional_duration() {
    let failed = [run(Verdict::Timeout, 300.0, 10.0), run(Verdict::Failed, 9.0, 20.0)];
    assert_eq!((recorded(&failed).duration, recorded(&failed).provisional), (9.0, true));
    let passed = [failed[0].clone(), failed[1].clone(), run(Verdict::Passed, 1.0, 30.0)];
    let entry = recorded(&passed);
    assert_eq!((entry.duration, entry.runs, entry.provisional), (1.0, 3, false));
}

#[test]
fn what_tests_share_counts_until_it_is_measured_apart() {
    let mixed = Measurement { with_shared: true, ..run(Verdict::Passed, 9.0, 10.0) };
    assert!(recorded(std::slice::from_ref(&mixed)).provisional);
    let apart = recorded(&[mixed.clone(), run(Verdict::Passed, 1.0, 20.0), mixed]);
    assert_eq!((apart.duration, apart.provisional), (1.0, false));
}

#[test]
fn earlier_run_recorded_late_keeps_the_newer_status() {
    let entry = recorded(&[run(Verdict::Failed, 1.0, 20.0), run(Verdict::Passed, 3.0, 10.0)]);
    assert_eq!((entry.duration, entry.status, entry.timestamp), (3.0, Verdict::Failed, Some(20.0)));
}

#[test]
fn damaged_measurement_changes_nothing() {
    let mut timings = Timings::default();
    assert!(timings.record(ID, run(Verdict::Passed, f64::NAN, 10.0)).is_err());
    assert!(timings.record(ID, run(Verdict::Passed, 1.0, -10.0)).is_err());
    assert_eq!(timings.record(ID, run(Verdict::NotRun, 1.0, 10.0)), Err(Damaged::NotRun));
    assert!(timings.record_fixture("db", f64::INFINITY, 10.0).is_err());
    assert!(timings.is_empty());
}

#[test]
fn shared_set_up_has_a_moving_average() {
    let mut timings = Timings::default();
    timings.record_fixture("db", 10.0, 5.0).unwrap();
    timings.record_fixture("db", 20.0, 6.0).unwrap();
    assert_eq!(timings.fixture_cost("db"), Some(13.0));
    assert_eq!(timings.fixtures()[0].1.runs, 2);
}

#[test]
fn undated_entry_only_fills_a_gap() {
    let mut known = Timings::default();
    known.record(ID, run(Verdict::Passed, 2.0, 10.0)).unwrap();
    let mut undated = Timings::default();
    undated.insert(ID.to_owned(), Entry::undated(7.0)).unwrap();
    undated.insert("other".to_owned(), Entry::undated(8.0)).unwrap();
    known.merge(undated);
    assert_eq!((known.estimate(ID), known.estimate("other")), (Some(2.0), Some(8.0)));
}

#[test]
fn pruning_drops_what_is_old() {
    let mut timings = Timings::default();
    timings.record("old", run(Verdict::Passed, 1.0, 10.0)).unwrap();
    timings.record("new", run(Verdict::Passed, 1.0, 20.0)).unwrap();
    timings.insert("undated".to_owned(), Entry::undated(1.0)).unwrap();
    timings.record_fixture("db", 1.0, 10.0).unwrap();
    timings.prune(15.0);
    assert_eq!(ids(&timings), ["new", "undated"]);
    assert_eq!(timings.fixture_cost("db"), None);
}

#[test]
fn only_the_newest_are_kept() {
    let mut timings = Timings::default();
    timings.insert("undated".to_owned(), Entry::undated(1.0)).unwrap();
    for (id, timestamp) in [("old", 10.0), ("new", 20.0)] {
        timings.record(id, run(Verdict::Passed, 1.0, timestamp)).unwrap();
    }
    timings.keep_newest(3);
    assert_eq!(timings.len(), 3);
    timings.keep_newest(1);
    assert_eq!(ids(&timings), ["new"]);
}

#[test]
fn dotted_ids_become_collected_ids() {
    let mut timings = Timings::default();
    timings.insert("tests.test_a.test_b".to_owned(), Entry::undated(3.0)).unwrap();
    timings.insert("gone.test_x.test_y".to_owned(), Entry::undated(4.0)).unwrap();
    timings.resolve(&Resolver::new([ID]));
    assert_eq!(ids(&timings), ["gone.test_x.test_y", ID]);
}

fn ids(timings: &Timings) -> Vec<&str> {
    timings.tests().into_iter().map(|(id, _)| id).collect()
}

fn entry(stamp: impl Strategy<Value = Option<f64>>) -> impl Strategy<Value = Entry> {
    (0.0..1000.0, stamp).prop_map(|(duration, timestamp)| Entry { timestamp, ..Entry::undated(duration) })
}

fn history() -> impl Strategy<Value = Timings> {
    let stamp = option::of((0_u32..100_000).prop_map(f64::from));
    hash_map("[a-e]", entry(stamp), 0..6).prop_map(|entries| {
        let mut timings = Timings::default();
        for (id, entry) in entries {
            timings.insert(id, entry).unwrap();
        }
        timings
    })
}

fn merged<'a>(parts: impl IntoIterator<Item = &'a Timings>) -> Timings {
    let mut whole = Timings::default();
    for part in parts {
        whole.merge(part.clone());
    }
    whole
}

/// Gives every entry its own moment, so that no two tie.
fn with_distinct_stamps(parts: &mut [Timings]) {
    let mut next = 0_u32;
    for part in parts {
        for entry in part.tests.values_mut() {
            next += 1;
            entry.timestamp = Some(f64::from(next * 7919 % 10_007));
        }
    }
}

proptest! {
    #[test]
    fn merging_again_changes_nothing(a in history(), b in history()) {
        let once = merged([&a, &b]);
        prop_assert_eq!(merged([&a, &b, &b, &a]), once.clone());
        prop_assert_eq!(merged([&once, &once]), once);
    }

    #[test]
    fn merging_is_free_of_order_for_distinct_times(mut parts in vec(history(), 1..5)) {
        with_distinct_stamps(&mut parts);
        prop_assert_eq!(merged(&parts), merged(parts.iter().rev()));
    }

    #[test]
    fn average_stays_within_what_was_measured(durations in vec(0.0..1000.0, 1..20)) {
        let runs: Vec<_> = durations.iter().map(|seconds| run(Verdict::Passed, *seconds, 1.0)).collect();
        let average = recorded(&runs).duration;
        let (low, high) = durations.iter().fold((f64::MAX, 0.0_f64), |(l, h), d| (l.min(*d), h.max(*d)));
        prop_assert!(low - 1e-5 <= average && average <= high + 1e-5);
    }
}
