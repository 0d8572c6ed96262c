//! From events to figures.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::turnover::Turnover;
use super::{Benchmark, FixtureRow, Longest, Metadata, SCHEMA, Summary, TestRow, WorkerRow};
use crate::record::{Record, RunStarted, TestFinished, VerdictCounts, What};

/// Computes the figures of the run that `records` tell of.
///
/// A stream that ends early gives the figures of what it tells.
pub fn summarise(records: &[Record]) -> Benchmark {
    let mut tally = Tally::default();
    for record in records {
        tally.add(record);
    }
    tally.finish()
}

/// What has been counted so far.
#[derive(Default)]
struct Tally {
    started: f64,
    ended: f64,
    started_at: f64,
    slots: u32,
    turnover: Turnover,
    metadata: Metadata,
    tests: Vec<TestRow>,
    workers: BTreeMap<Arc<str>, WorkerRow>,
    fixtures: BTreeMap<Arc<str>, FixtureRow>,
}

impl Tally {
    fn add(&mut self, record: &Record) {
        self.ended = self.ended.max(record.time);
        self.turnover.add(record);
        match &record.what {
            What::RunStarted(run) => self.run_started(record.time, run),
            What::WorkerStarted { worker, .. } => self.worker(worker).processes += 1,
            What::TestFinished(test) => self.test_finished(test),
            What::FixtureSetUp { fixture, seconds, .. } => self.fixture_set_up(fixture, *seconds),
            What::WorkerFinished { worker, cpu, peak_memory } => {
                self.worker_reaped(worker, *cpu, *peak_memory);
            }
            What::WorkerDied { worker, cpu, peak_memory, .. } => {
                self.worker(worker).deaths += 1;
                self.worker_reaped(worker, *cpu, *peak_memory);
            }
            What::WorkerReady { .. }
            | What::TestStarted { .. }
            | What::WorkerRecycled { .. }
            | What::WorkerRetried { .. }
            | What::WorkerGivenUp { .. }
            | What::WorkersScaled { .. }
            | What::ErrorBetweenTests { .. }
            | What::Notice { .. }
            | What::RunFinished { .. } => {}
        }
    }

    fn run_started(&mut self, time: f64, run: &RunStarted) {
        self.started = time;
        self.ended = time;
        self.started_at = run.started_at;
        self.slots = run.workers;
        self.metadata = Metadata {
            generated_at: run.started_at,
            run_id: run.run_id.clone(),
            start_method: run.start_method.clone(),
            workers_reason: run.workers_reason.clone(),
            versions: run.versions.clone(),
        };
    }

    fn test_finished(&mut self, ended: &TestFinished) {
        let row = test_row(ended);
        if let Some(worker) = row.worker.as_ref().filter(|_| row.has_started()) {
            let busy = row.busy();
            let worker = self.worker(worker);
            worker.tests += 1;
            worker.duration += busy;
        }
        self.tests.push(row);
    }

    fn fixture_set_up(&mut self, key: &Arc<str>, seconds: f64) {
        let row = self.fixtures.entry(key.clone()).or_insert_with(|| FixtureRow {
            fixture: key.clone(),
            set_ups: 0,
            duration: 0.0,
        });
        row.set_ups += 1;
        row.duration += seconds;
    }

    fn worker_reaped(&mut self, worker: &Arc<str>, cpu: f64, peak_memory: u64) {
        let row = self.worker(worker);
        row.cpu = Some(row.cpu.unwrap_or(0.0) + cpu);
        row.peak_memory = row.peak_memory.max(Some(peak_memory));
    }

    fn worker(&mut self, name: &Arc<str>) -> &mut WorkerRow {
        let row = self.workers.entry(name.clone()).or_default();
        row.worker = name.clone();
        row
    }

    fn finish(mut self) -> Benchmark {
        let wall = self.ended - self.started;
        self.metadata.generated_at = self.started_at + self.ended;
        let fixtures = most_expensive_first(self.fixtures);
        let mut workers = in_slot_order(self.workers);
        for row in &mut workers {
            row.utilisation = ratio(row.duration, wall);
        }
        measure_idle(&mut workers, &self.tests, self.started);
        let mut summary = count_tests(&self.tests);
        summary.wall = wall;
        summary.recycled = self.turnover.recycled;
        summary.retries = self.turnover.retries;
        summary.scaling = self.turnover.scaling(self.ended);
        summary.workers = match summary.scaling {
            Some(scaling) => scaling.most,
            None => self.slots.max(workers.len() as u32),
        };
        count_workers(&mut summary, &workers);
        count_work(&mut summary, &self.tests, &fixtures);
        Benchmark { schema: SCHEMA, summary, tests: self.tests, workers, fixtures, metadata: self.metadata }
    }
}

fn test_row(ended: &TestFinished) -> TestRow {
    let timing = ended.timing;
    TestRow {
        test: ended.test.clone(),
        worker: ended.worker.clone(),
        verdict: ended.verdict,
        start: timing.start,
        duration: timing.own(),
        setup: timing.setup,
        call: timing.call,
        teardown: timing.teardown,
        shared: timing.shared,
        estimate: ended.estimate,
        group: ended.group.clone(),
    }
}

fn most_expensive_first(fixtures: BTreeMap<Arc<str>, FixtureRow>) -> Vec<FixtureRow> {
    let mut rows: Vec<_> = fixtures.into_values().collect();
    rows.sort_by(|a, b| b.duration.total_cmp(&a.duration));
    rows
}

/// `gw10` stands after `gw9`.
fn in_slot_order(workers: BTreeMap<Arc<str>, WorkerRow>) -> Vec<WorkerRow> {
    let mut rows: Vec<_> = workers.into_values().collect();
    rows.sort_by_key(|row| (row.worker.len(), row.worker.clone()));
    rows
}

/// A worker that never ran a test was idle from the start.
fn measure_idle(workers: &mut [WorkerRow], tests: &[TestRow], started: f64) {
    let last = last_ends(tests);
    let end = last.values().copied().fold(started, f64::max);
    for row in workers {
        row.idle_at_end = end - last.get(&row.worker).copied().unwrap_or(started);
    }
}

fn last_ends(tests: &[TestRow]) -> BTreeMap<Arc<str>, f64> {
    let mut ends = BTreeMap::new();
    for test in tests.iter().filter(|test| test.has_started()) {
        if let Some(worker) = &test.worker {
            let end: &mut f64 = ends.entry(worker.clone()).or_default();
            *end = end.max(test.end());
        }
    }
    ends
}

fn count_tests(tests: &[TestRow]) -> Summary {
    let mut durations: Vec<f64> = tests.iter().filter(|test| test.has_started()).map(|test| test.duration).collect();
    durations.sort_by(f64::total_cmp);
    let verdicts: VerdictCounts = tests.iter().map(|test| test.verdict).collect();
    let total: f64 = durations.iter().sum();
    Summary {
        total: verdicts.total(),
        verdicts,
        total_duration: total,
        average_duration: ratio(total, durations.len() as f64),
        min_duration: durations.first().copied().unwrap_or(0.0),
        max_duration: durations.last().copied().unwrap_or(0.0),
        median_duration: median(&durations),
        p95_duration: percentile(&durations, 0.95),
        error_rate: ratio(f64::from(verdicts.bad()), f64::from(verdicts.started())),
        ..Summary::default()
    }
}

fn count_workers(summary: &mut Summary, workers: &[WorkerRow]) {
    let busy: f64 = workers.iter().map(|row| row.duration).sum();
    let least = workers.iter().map(|row| row.duration).reduce(f64::min).unwrap_or(0.0);
    let most = workers.iter().map(|row| row.duration).fold(0.0, f64::max);
    let stood = summary.scaling.map_or(f64::from(summary.workers), |scaling| scaling.average);
    summary.utilisation = ratio(busy, summary.wall * stood);
    summary.average_worker_duration = ratio(busy, workers.len() as f64);
    summary.min_worker_duration = least;
    summary.max_worker_duration = most;
    summary.worker_duration_variance = most - least;
}

fn count_work(summary: &mut Summary, tests: &[TestRow], fixtures: &[FixtureRow]) {
    let shared: f64 = tests.iter().map(|test| test.shared).sum();
    let repeated: f64 = fixtures.iter().map(repeated_cost).sum();
    summary.sequential = summary.total_duration + (shared - repeated).max(0.0);
    summary.speedup = ratio(summary.sequential, summary.wall);
    summary.longest = longest(tests);
    let longest = summary.longest.as_ref().map_or(0.0, |longest| longest.duration);
    summary.bound = ratio(summary.sequential, f64::from(summary.workers)).max(longest);
}

/// What a single process would not have paid: every set-up of a fixture but one.
pub(super) fn repeated_cost(row: &FixtureRow) -> f64 {
    let set_ups = f64::from(row.set_ups);
    ratio(row.duration * (set_ups - 1.0), set_ups)
}

fn longest(tests: &[TestRow]) -> Option<Longest> {
    let mut parts: BTreeMap<(bool, Arc<str>), Longest> = BTreeMap::new();
    for test in tests.iter().filter(|test| test.has_started()) {
        let name = test.group.as_ref().unwrap_or(&test.test);
        let part = parts.entry((test.group.is_some(), name.clone())).or_insert_with(|| Longest {
            name: name.clone(),
            tests: 0,
            duration: 0.0,
        });
        part.tests += 1;
        part.duration += test.duration;
    }
    parts.into_values().max_by(|a, b| a.duration.total_cmp(&b.duration))
}

/// `part` ÷ `whole`; 0 of nothing is 0.
fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        length if length.is_multiple_of(2) => f64::midpoint(sorted[middle - 1], sorted[middle]),
        _ => sorted[middle],
    }
}

/// The least value that `share` of all values do not exceed.
fn percentile(sorted: &[f64], share: f64) -> f64 {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "sums of halves are exact")]
mod tests {
    use engine::Verdict;

    use super::super::samples::*;
    use super::*;

    #[test]
    fn durations_leave_shared_fixtures_out() {
        let summary = summarise(&two_workers()).summary;
        assert_eq!((summary.total, summary.verdicts.passed, summary.verdicts.not_run), (4, 2, 1));
        assert_eq!((summary.total_duration, summary.average_duration), (4.5, 1.5));
        assert_eq!((summary.min_duration, summary.median_duration, summary.max_duration), (0.5, 1.0, 3.0));
    }

    #[test]
    fn sequential_work_counts_a_fixture_once() {
        let summary = summarise(&two_workers()).summary;
        assert_eq!((summary.sequential, summary.wall, summary.speedup), (5.0, 4.0, 1.25));
    }

    #[test]
    fn workers_are_busy_with_tests_and_fixtures() {
        let benchmark = summarise(&two_workers());
        let summary = &benchmark.summary;
        assert_eq!(summary.utilisation, 5.5 / 8.0);
        assert_eq!((summary.min_worker_duration, summary.max_worker_duration), (2.0, 3.5));
        assert_eq!((summary.average_worker_duration, summary.worker_duration_variance), (2.75, 1.5));
        assert_eq!(benchmark.workers[0].idle_at_end, 1.5);
        assert_eq!((benchmark.workers[1].cpu, benchmark.workers[1].peak_memory), (Some(3.0), Some(200)));
    }

    #[test]
    fn a_worker_without_tests_is_idle_throughout() {
        let mut records = two_workers();
        records.insert(1, worker_started(0.0, "gw2"));
        assert_eq!(summarise(&records).workers[2].idle_at_end, 3.5);
    }

    #[test]
    fn the_longest_test_sets_the_bound() {
        let summary = summarise(&two_workers()).summary;
        assert_eq!(summary.bound, 3.0);
        assert_eq!(&*summary.longest.unwrap().name, "test_b.py::test_three");
    }

    #[test]
    fn a_group_counts_as_one_piece() {
        let records = [
            run_started(2),
            grouped("gw0", "test_a.py::test_one", "redis", timing(0.0, 2.0, 0.0)),
            grouped("gw0", "test_a.py::test_two", "redis", timing(2.0, 2.0, 0.0)),
            finished("gw1", "test_a.py::test_three", Verdict::Passed, timing(0.0, 3.0, 0.0)),
            run_finished(4.0),
        ];
        let longest = summarise(&records).summary.longest.unwrap();
        assert_eq!((&*longest.name, longest.tests, longest.duration), ("redis", 2, 4.0));
    }

    #[test]
    fn wall_time_runs_from_the_first_line() {
        let mut records = two_workers();
        for record in &mut records {
            record.time += 10.0;
        }
        let benchmark = summarise(&records);
        assert_eq!(benchmark.summary.wall, 4.0);
        assert_eq!(benchmark.metadata.generated_at, 1_700_000_014.0);
    }

    #[test]
    fn workers_stand_in_order_of_number() {
        let names = ["gw10", "gw2", "gw0"];
        let records: Vec<_> = names.iter().map(|name| worker_started(0.0, name)).collect();
        let workers = summarise(&records).workers;
        assert_eq!(workers.iter().map(|row| &*row.worker).collect::<Vec<_>>(), ["gw0", "gw2", "gw10"]);
    }

    #[test]
    fn an_empty_stream_divides_by_nothing() {
        let summary = summarise(&[]).summary;
        assert_eq!(summary, Summary::default());
    }

    #[test]
    fn the_percentile_is_a_measured_duration() {
        let durations: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(percentile(&durations, 0.95), 95.0);
        assert_eq!(percentile(&[7.0], 0.95), 7.0);
    }
}
