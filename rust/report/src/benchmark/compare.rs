//! What got slower from one run to the next.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Benchmark, TestRow};
use crate::units::{counted, percent, seconds};

/// How many tests are listed; the rest are counted.
const LISTED: usize = 20;

/// How much slower something may be before it counts. Both must be exceeded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// As a share of the earlier duration: 0.2 = 20 %.
    pub share: f64,
    /// In seconds, so that the noise of very short tests does not count.
    pub seconds: f64,
}

impl Tolerance {
    fn is_exceeded(self, change: &Change) -> bool {
        change.after - change.before > self.seconds && change.after > change.before * (1.0 + self.share)
    }
}

/// One duration in both runs, in seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The node id, or what was measured.
    pub name: Arc<str>,
    /// In the earlier run.
    pub before: f64,
    /// In the later run.
    pub after: f64,
}

/// Two runs side by side. Tests that did not end well in both are left out: their durations say nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// What counts as slower.
    pub tolerance: Tolerance,
    /// The wall time, and the durations of all common tests together.
    pub totals: Vec<Change>,
    /// Tests that got slower past the tolerance; the greatest loss first.
    pub slower: Vec<Change>,
    /// How many tests got faster by as much.
    pub faster: usize,
    /// How many tests could be compared.
    pub common: usize,
    /// How many tests are only in the later run.
    pub added: usize,
    /// How many tests are only in the earlier run.
    pub removed: usize,
}

/// Compares the later run with the earlier one.
pub fn compare(before: &Benchmark, after: &Benchmark, tolerance: Tolerance) -> Comparison {
    let (old, new) = (durations(before), durations(after));
    let changes: Vec<_> = new.iter().filter_map(|(name, row)| change(name, old.get(name)?, row)).collect();
    let mut slower: Vec<_> = changes.iter().filter(|change| tolerance.is_exceeded(change)).cloned().collect();
    slower.sort_by(|a, b| (b.after - b.before).total_cmp(&(a.after - a.before)));
    Comparison {
        tolerance,
        totals: vec![wall(before, after), work(&changes)],
        slower,
        faster: changes.iter().filter(|change| tolerance.is_exceeded(&turned(change))).count(),
        common: changes.len(),
        added: new.keys().filter(|name| !old.contains_key(*name)).count(),
        removed: old.keys().filter(|name| !new.contains_key(*name)).count(),
    }
}

/// Seconds of each test that started, and whether they say how long it usually takes.
fn durations(benchmark: &Benchmark) -> BTreeMap<Arc<str>, (f64, bool)> {
    let mut rows: BTreeMap<Arc<str>, (f64, bool)> = BTreeMap::new();
    for TestRow { test, duration, verdict, .. } in &benchmark.tests {
        // Some suites collect one node id twice: the two are compared as one.
        let row = rows.entry(test.clone()).or_insert((0.0, true));
        *row = (row.0 + duration, row.1 && verdict.is_typical());
    }
    rows
}

fn change(name: &Arc<str>, before: &(f64, bool), after: &(f64, bool)) -> Option<Change> {
    (before.1 && after.1).then(|| Change { name: name.clone(), before: before.0, after: after.0 })
}

fn turned(change: &Change) -> Change {
    Change { before: change.after, after: change.before, name: change.name.clone() }
}

fn wall(before: &Benchmark, after: &Benchmark) -> Change {
    Change { name: "Total duration".into(), before: before.summary.wall, after: after.summary.wall }
}

fn work(changes: &[Change]) -> Change {
    // The sum of nothing is -0, which would be shown.
    let total = |seconds: fn(&Change) -> f64| changes.iter().map(seconds).sum::<f64>() + 0.0;
    Change { name: "Common tests".into(), before: total(|change| change.before), after: total(|change| change.after) }
}

impl Comparison {
    /// Whether anything got slower past the tolerance: the run, its common tests together, or a single test.
    pub fn is_worse(&self) -> bool {
        !self.slower.is_empty() || self.totals.iter().any(|change| self.tolerance.is_exceeded(change))
    }

    /// The comparison as lines of text.
    pub fn render(&self) -> Vec<String> {
        let mut lines: Vec<_> = self.totals.iter().map(line).collect();
        lines.push(self.counts());
        lines.extend(self.slower.iter().take(LISTED).map(|change| format!("  {}", line(change))));
        if self.slower.len() > LISTED {
            lines.push(format!("  and {} more", self.slower.len() - LISTED));
        }
        lines
    }

    fn counts(&self) -> String {
        format!(
            "{} compared: {} slower by more than {} and {}, {} faster; {} added, {} removed",
            counted(self.common, "test"),
            self.slower.len(),
            percent(self.tolerance.share),
            seconds(self.tolerance.seconds),
            self.faster,
            self.added,
            self.removed,
        )
    }
}

fn line(change: &Change) -> String {
    let (before, after) = (seconds(change.before), seconds(change.after));
    if change.before > 0.0 {
        let growth = (change.after / change.before - 1.0) * 100.0;
        return format!("{}: {before} -> {after} ({growth:+.1} %)", change.name);
    }
    format!("{}: {before} -> {after}", change.name)
}

#[cfg(test)]
mod tests {
    use engine::Verdict;

    use super::super::{samples::*, summarise};
    use super::*;

    const TOLERANCE: Tolerance = Tolerance { share: 0.2, seconds: 0.1 };

    fn run(tests: &[(&str, Verdict, f64)]) -> Benchmark {
        let mut records = vec![run_started(1)];
        let mut clock = 0.0;
        for (test, verdict, call) in tests {
            records.push(finished("gw0", test, *verdict, timing(clock, *call, 0.0)));
            clock += call;
        }
        records.push(run_finished(clock));
        summarise(&records)
    }

    #[test]
    fn a_run_equals_itself() {
        let benchmark = run(&[("a", Verdict::Passed, 1.0), ("b", Verdict::Passed, 2.0)]);
        let comparison = compare(&benchmark, &benchmark, TOLERANCE);
        assert!(!comparison.is_worse());
        assert_eq!((comparison.common, comparison.faster), (2, 0));
    }

    #[test]
    fn the_greatest_loss_comes_first() {
        let before = run(&[("a", Verdict::Passed, 1.0), ("b", Verdict::Passed, 2.0), ("c", Verdict::Passed, 1.0)]);
        let after = run(&[("a", Verdict::Passed, 1.5), ("b", Verdict::Passed, 4.0), ("c", Verdict::Passed, 0.5)]);
        let comparison = compare(&before, &after, TOLERANCE);
        assert!(comparison.is_worse());
        assert_eq!(
            comparison.render(),
            [
                "Total duration: 4.0 s -> 6.0 s (+50.0 %)",
                "Common tests: 4.0 s -> 6.0 s (+50.0 %)",
                "3 tests compared: 2 slower by more than 20.0 % and 100 ms, 1 faster; 0 added, 0 removed",
                "  b: 2.0 s -> 4.0 s (+100.0 %)",
                "  a: 1.0 s -> 1.5 s (+50.0 %)",
            ]
        );
    }

    #[test]
    fn noise_of_short_tests_is_ignored() {
        let before = run(&[("a", Verdict::Passed, 0.010)]);
        let after = run(&[("a", Verdict::Passed, 0.090)]);
        assert!(!compare(&before, &after, TOLERANCE).is_worse());
    }

    #[test]
    fn failed_tests_are_not_compared() {
        let before = run(&[("a", Verdict::Failed, 0.1), ("b", Verdict::Passed, 5.0)]);
        let after = run(&[("a", Verdict::Passed, 0.7), ("b", Verdict::Passed, 5.0)]);
        let comparison = compare(&before, &after, TOLERANCE);
        assert_eq!((comparison.common, comparison.slower.len()), (1, 0));
    }

    #[test]
    fn added_and_removed_tests_are_counted() {
        let before = run(&[("a", Verdict::Passed, 1.0)]);
        let after = run(&[("b", Verdict::Passed, 1.0), ("c", Verdict::Passed, 0.1)]);
        let comparison = compare(&before, &after, TOLERANCE);
        assert_eq!((comparison.common, comparison.added, comparison.removed), (0, 2, 1));
    }

    #[test]
    fn no_common_test_is_zero_seconds() {
        let (before, after) = (run(&[("a", Verdict::Passed, 1.0)]), run(&[("b", Verdict::Passed, 1.0)]));
        let lines = compare(&before, &after, TOLERANCE).render();
        assert!(lines[1].starts_with("Common tests: 0 ms -> 0 ms"), "{}", lines[1]);
    }

    #[test]
    fn a_slower_run_alone_is_worse() {
        let before = run(&[("a", Verdict::Passed, 1.0)]);
        let mut after = before.clone();
        after.summary.wall = 2.0;
        assert!(compare(&before, &after, TOLERANCE).is_worse());
    }

    #[test]
    fn a_long_list_is_cut() {
        let names: Vec<_> = (0..25).map(|index| format!("t{index}")).collect();
        let tests = |call| -> Vec<_> { names.iter().map(|name| (name.as_str(), Verdict::Passed, call)).collect() };
        let lines = compare(&run(&tests(1.0)), &run(&tests(2.0)), TOLERANCE).render();
        assert_eq!(lines.len(), 3 + LISTED + 1);
        assert_eq!(lines[lines.len() - 1], "  and 5 more");
    }
}
