//! Figures as lines for the terminal.

use super::advice::advice;
use super::{Benchmark, Summary, turnover};
use crate::units::{counted, percent, seconds, thousands};

/// The width of the labels, so that the figures stand in one column.
const LABEL_WIDTH: usize = 31;

pub(super) fn render(benchmark: &Benchmark) -> Vec<String> {
    let summary = &benchmark.summary;
    let rows = [run(summary), workers(summary), turnover::rows(summary), tests(summary)].concat();
    let mut lines: Vec<_> =
        rows.iter().map(|(label, figure)| format!("{:LABEL_WIDTH$}{figure}", format!("{label}:"))).collect();
    let advice = advice(benchmark);
    if !advice.is_empty() {
        lines.push("What would make it faster:".to_owned());
        lines.extend(advice.into_iter().map(|sentence| format!("  - {sentence}")));
    }
    lines
}

type Row = (&'static str, String);

fn run(summary: &Summary) -> Vec<Row> {
    vec![
        ("Total tests", thousands(summary.total as usize)),
        ("Workers used", thousands(summary.workers as usize)),
        ("Total duration", seconds(summary.wall)),
        ("Worker utilization", percent(summary.utilisation)),
        ("Estimated speedup", speedup(summary)),
        ("Bound", bound(summary)),
    ]
}

fn speedup(summary: &Summary) -> String {
    let saved = if summary.sequential > 0.0 { 1.0 - summary.wall / summary.sequential } else { 0.0 };
    let work = seconds(summary.sequential);
    let direction = if saved < 0.0 { "more" } else { "less" };
    let share = percent(saved.abs());
    format!("{share} {direction} time, {:.2}× (sequential work {work})", summary.speedup)
}

fn bound(summary: &Summary) -> String {
    let share = summary.sequential / f64::from(summary.workers.max(1));
    let reason = match &summary.longest {
        Some(longest) if longest.duration > share && longest.tests > 1 => {
            format!("longest group, {}", longest.name)
        }
        Some(longest) if longest.duration > share => format!("longest test, {}", longest.name),
        _ => "work ÷ workers".to_owned(),
    };
    format!("{} ({reason})", seconds(summary.bound))
}

fn workers(summary: &Summary) -> Vec<Row> {
    vec![
        ("Average worker duration", seconds(summary.average_worker_duration)),
        ("Min worker duration", seconds(summary.min_worker_duration)),
        ("Max worker duration", seconds(summary.max_worker_duration)),
        ("Duration variance", seconds(summary.worker_duration_variance)),
    ]
}

fn tests(summary: &Summary) -> Vec<Row> {
    let bad = summary.verdicts.bad() as usize;
    let started = counted(summary.verdicts.started() as usize, "test");
    vec![
        ("Total errors", thousands(bad)),
        ("Error rate", format!("{} of {started} that ran", percent(summary.error_rate))),
        ("Average test duration", seconds(summary.average_duration)),
        ("95th percentile test duration", seconds(summary.p95_duration)),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::{samples::*, summarise};
    use super::*;

    #[test]
    fn figures_stand_in_one_column() {
        let lines = render(&summarise(&two_workers()));
        let expected = [
            "Total tests:                   4",
            "Workers used:                  2",
            "Total duration:                4.0 s",
            "Worker utilization:            68.8 %",
            "Estimated speedup:             20.0 % less time, 1.25× (sequential work 5.0 s)",
            "Bound:                         3.0 s (longest test, test_b.py::test_three)",
            "Average worker duration:       2.8 s",
            "Min worker duration:           2.0 s",
            "Max worker duration:           3.5 s",
            "Duration variance:             1.5 s",
            "Total errors:                  1",
            "Error rate:                    33.3 % of 3 tests that ran",
            "Average test duration:         1.5 s",
            "95th percentile test duration: 3.0 s",
            "What would make it faster:",
        ];
        assert_eq!(lines[..expected.len()], expected);
        assert_eq!(lines.len(), expected.len() + 3);
    }

    #[test]
    fn a_slower_run_says_so() {
        let summary = Summary { sequential: 2.0, wall: 3.0, speedup: 2.0 / 3.0, ..Summary::default() };
        assert_eq!(speedup(&summary), "50.0 % more time, 0.67× (sequential work 2.0 s)");
    }

    #[test]
    fn divisible_work_is_bound_by_workers() {
        let summary = Summary { sequential: 8.0, workers: 4, bound: 2.0, ..Summary::default() };
        assert_eq!(bound(&summary), "2.0 s (work ÷ workers)");
    }
}
