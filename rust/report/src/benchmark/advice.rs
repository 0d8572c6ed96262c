//! What would make the run faster.

use super::summarise::repeated_cost;
use super::{Benchmark, FixtureRow, Longest, Summary};
use crate::units;

/// Less than this share of the wall time is not worth a line.
const WORTH_SAYING: f64 = 0.05;

/// One sentence for each thing that would help, the most helpful kinds first.
pub(super) fn advice(benchmark: &Benchmark) -> Vec<String> {
    [longest(&benchmark.summary), fixture(benchmark), idle(benchmark), workers(&benchmark.summary)]
        .into_iter()
        .flatten()
        .collect()
}

/// Something that cannot be divided takes longer than its share of the work.
fn longest(summary: &Summary) -> Option<String> {
    let longest = summary.longest.as_ref()?;
    let share = summary.sequential / f64::from(summary.workers);
    let loss = longest.duration - share;
    (summary.workers > 1 && loss > summary.wall * WORTH_SAYING).then(|| {
        format!(
            "{} takes {} alone; more workers cannot help until it is split (an even share of the work: {})",
            described(longest),
            units::seconds(longest.duration),
            units::seconds(share),
        )
    })
}

fn described(longest: &Longest) -> String {
    match longest.tests {
        1 => longest.name.to_string(),
        tests => format!("group {} ({})", longest.name, units::counted(tests as usize, "test")),
    }
}

/// A fixture that many workers set up again.
fn fixture(benchmark: &Benchmark) -> Option<String> {
    let row = benchmark.fixtures.iter().max_by(|a, b| repeated_cost(a).total_cmp(&repeated_cost(b)))?;
    let share = benchmark.summary.wall * f64::from(benchmark.summary.workers) * WORTH_SAYING;
    (row.set_ups > 1 && repeated_cost(row) > share).then(|| fixture_sentence(row))
}

fn fixture_sentence(row: &FixtureRow) -> String {
    format!(
        "fixture {} was set up {} times, {} in total ({} each)",
        row.fixture,
        row.set_ups,
        units::seconds(row.duration),
        units::seconds(row.duration / f64::from(row.set_ups)),
    )
}

/// Workers that had run out of tests while others had not.
fn idle(benchmark: &Benchmark) -> Option<String> {
    let early: Vec<_> =
        benchmark.workers.iter().filter(|row| row.idle_at_end > benchmark.summary.wall * WORTH_SAYING).collect();
    let last = benchmark.tests.iter().filter(|test| test.has_started()).max_by(|a, b| a.end().total_cmp(&b.end()))?;
    let longest = early.iter().map(|row| row.idle_at_end).reduce(f64::max)?;
    Some(format!(
        "{} idle at the end, for up to {}, while {} ran",
        units::counted(early.len(), "worker"),
        units::seconds(longest),
        last.test,
    ))
}

/// Every worker was busy, and the work can be divided further.
fn workers(summary: &Summary) -> Option<String> {
    let longest = summary.longest.as_ref()?;
    let share = summary.sequential / f64::from(summary.workers);
    (summary.utilisation > 0.9 && longest.duration < share * 0.9).then(|| {
        format!(
            "workers were busy throughout; with more of them the run could go down to {} ({})",
            units::seconds(longest.duration),
            described(longest),
        )
    })
}

#[cfg(test)]
mod tests {
    use engine::Verdict;

    use super::super::{samples::*, summarise};
    use super::*;

    #[test]
    fn the_longest_test_is_named() {
        let lines = advice(&summarise(&two_workers()));
        assert_eq!(
            lines[0],
            "test_b.py::test_three takes 3.0 s alone; more workers cannot help until it is split (an even share of the work: 2.5 s)"
        );
    }

    #[test]
    fn a_repeated_fixture_is_named() {
        let lines = advice(&summarise(&two_workers()));
        assert_eq!(lines[1], "fixture db was set up 2 times, 1.0 s in total (500 ms each)");
    }

    #[test]
    fn early_workers_are_counted() {
        let lines = advice(&summarise(&two_workers()));
        assert_eq!(lines[2], "1 worker idle at the end, for up to 1.5 s, while test_b.py::test_three ran");
        assert_eq!(lines.len(), 3);
    }

    #[test]
    fn a_full_machine_wants_more_workers() {
        let mut records = vec![run_started(2)];
        for start in 0..4 {
            for worker in ["gw0", "gw1"] {
                let test = format!("test_a.py::test_{worker}_{start}");
                records.push(finished(worker, &test, Verdict::Passed, timing(f64::from(start), 1.0, 0.0)));
            }
        }
        records.push(run_finished(4.0));
        let lines = advice(&summarise(&records));
        assert_eq!(lines.len(), 1);
        assert!(lines[0].starts_with("workers were busy throughout; with more of them the run could go down to 1.0 s"));
    }

    #[test]
    fn an_empty_run_gets_no_advice() {
        assert!(advice(&summarise(&[])).is_empty());
    }
}
