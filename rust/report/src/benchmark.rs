//! How fast a run was: its figures, as JSON and as text, and the comparison of two runs.
//!
//! All durations are seconds. A test's duration is its own set-up, call and teardown; set-ups that it shares with
//! others are counted apart.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::Verdict;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::record::{self, ReadError, VerdictCounts};

mod advice;
mod compare;
mod render;
mod summarise;
mod turnover;

#[cfg(test)]
mod samples;

pub use compare::{Change, Comparison, Tolerance, compare};
pub use summarise::summarise;

/// The version of the JSON that [`Benchmark::to_json`] gives. Fields may be added within a version.
pub const SCHEMA: u32 = 1;

/// The figures of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Benchmark {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The run as a whole.
    pub summary: Summary,
    /// Each test that was settled, in the order in which they ended.
    pub tests: Vec<TestRow>,
    /// Each slot, by name.
    pub workers: Vec<WorkerRow>,
    /// Shared fixtures, the most expensive first.
    #[serde(default)]
    pub fixtures: Vec<FixtureRow>,
    /// Where the figures come from.
    pub metadata: Metadata,
}

/// The run as a whole. Averages are over the tests that started.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// How many tests were settled, started or not.
    pub total: u32,
    /// How many of them got which verdict.
    #[serde(flatten)]
    pub verdicts: VerdictCounts,
    /// The sum of all durations.
    pub total_duration: f64,
    /// The mean duration.
    pub average_duration: f64,
    /// The shortest duration.
    pub min_duration: f64,
    /// The longest duration.
    pub max_duration: f64,
    /// The median duration.
    pub median_duration: f64,
    /// 95 % of the tests took no longer.
    pub p95_duration: f64,
    /// From the run's start to its end.
    pub wall: f64,
    /// How many slots there were.
    pub workers: u32,
    /// The share of `workers` × `wall` that went into tests and their fixtures, from 0 to 1.
    pub utilisation: f64,
    /// What one process would have needed: all tests, and each shared fixture once.
    pub sequential: f64,
    /// `sequential` ÷ `wall`.
    pub speedup: f64,
    /// No schedule on so many workers is shorter: the greater of `sequential` ÷ `workers` and [`Summary::longest`].
    pub bound: f64,
    /// What cannot be divided among workers and takes longest; `None` if no test started.
    pub longest: Option<Longest>,
    /// The mean of the time that a worker spent on tests.
    pub average_worker_duration: f64,
    /// The least time that a worker spent on tests.
    pub min_worker_duration: f64,
    /// The most time that a worker spent on tests.
    pub max_worker_duration: f64,
    /// The difference between the two.
    pub worker_duration_variance: f64,
    /// Failed, timed out and crashed tests, as a share of those that started, from 0 to 1.
    pub error_rate: f64,
    /// Workers that made room for fresh ones.
    #[serde(default)]
    pub recycled: Recycled,
    /// Workers that could not be had and were tried again.
    #[serde(default)]
    pub retries: Retries,
    /// How the number of workers moved; `None` if it was fixed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scaling: Option<Scaling>,
}

/// Workers that made room for fresh ones, by what was the reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Recycled {
    /// They had run as many tests as one worker is to run.
    pub tests: u32,
    /// They had grown.
    pub memory: u32,
}

/// Attempts to have a worker again, by what had gone wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Retries {
    /// It did not start.
    pub start: u32,
    /// It was killed from outside while no test ran on it.
    pub killed: u32,
    /// Slots on which it was not tried again.
    pub given_up: u32,
}

/// How the number of workers moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scaling {
    /// How many there were at first.
    pub first: u32,
    /// The most that there were at once.
    pub most: u32,
    /// The mean over the run.
    pub average: f64,
    /// How often it became more.
    pub grown: u32,
    /// How often it became fewer.
    pub shrunk: u32,
}

/// A test or a group that is never split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Longest {
    /// The node id or the name of the group.
    pub name: Arc<str>,
    /// How many tests it consists of.
    pub tests: u32,
    /// How long it takes.
    pub duration: f64,
}

/// One test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestRow {
    /// The node id.
    pub test: Arc<str>,
    /// Where it ran; `None` if it never started.
    pub worker: Option<Arc<str>>,
    /// The verdict.
    pub verdict: Verdict,
    /// When its set-up began, since the run's start.
    pub start: f64,
    /// Its own set-up, call and teardown together.
    pub duration: f64,
    /// Its own set-up.
    pub setup: f64,
    /// The test itself.
    pub call: f64,
    /// Its own teardown.
    pub teardown: f64,
    /// Set-ups and teardowns inside it that other tests share.
    pub shared: f64,
    /// How long it was expected to take.
    pub estimate: Option<f64>,
    /// The group that the user named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Arc<str>>,
}

impl TestRow {
    /// Whether it ran at all, to its end or not.
    pub fn has_started(&self) -> bool {
        self.verdict != Verdict::NotRun
    }

    /// How long it kept its worker.
    pub fn busy(&self) -> f64 {
        self.duration + self.shared
    }

    /// When it ended, since the run's start.
    pub fn end(&self) -> f64 {
        self.start + self.busy()
    }
}

/// One slot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkerRow {
    /// Its name, `gw0`.
    pub worker: Arc<str>,
    /// How many tests started there.
    pub tests: u32,
    /// The time spent on tests and their fixtures.
    pub duration: f64,
    /// `duration` as a share of the run's wall time, from 0 to 1.
    pub utilisation: f64,
    /// How long it had nothing left to run while others still ran tests.
    pub idle_at_end: f64,
    /// How many processes stood on this slot.
    pub processes: u32,
    /// How many of them were lost.
    pub deaths: u32,
    /// CPU seconds of all of them; `None` if none was reaped.
    pub cpu: Option<f64>,
    /// Peak resident memory in bytes of the largest; `None` if none was reaped.
    pub peak_memory: Option<u64>,
}

/// One shared fixture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FixtureRow {
    /// Name, scope and parameter as one key.
    pub fixture: Arc<str>,
    /// How often it was set up, on all workers together.
    pub set_ups: u32,
    /// What all set-ups took together.
    pub duration: f64,
}

/// Where the figures come from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// When the run ended, Unix time in seconds.
    pub generated_at: f64,
    /// The run's own id.
    pub run_id: Box<str>,
    /// `fork` or `spawn`.
    pub start_method: Box<str>,
    /// Why there were so many workers.
    pub workers_reason: Box<str>,
    /// Versions of what ran, by name.
    pub versions: BTreeMap<String, String>,
}

/// Why a file holds no figures.
#[derive(Debug, Error)]
pub enum LoadError {
    /// Neither a benchmark nor events.
    #[error("neither the JSON of a benchmark report nor events")]
    Format(#[source] serde_json::Error),
    /// A benchmark of a later version.
    #[error("the benchmark report has schema {found}; this version reads up to {SCHEMA}")]
    Schema {
        /// The schema of the file.
        found: u32,
    },
    /// Events that cannot be read.
    #[error(transparent)]
    Events(#[from] ReadError),
}

impl Benchmark {
    /// The figures as JSON, indented, with a line end at the end.
    pub fn to_json(&self) -> String {
        // No map with keys that are not strings, no writer that can fail: nothing is left to go wrong.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Reads what [`Benchmark::to_json`] gave.
    pub fn from_json(json: &[u8]) -> Result<Self, LoadError> {
        let benchmark: Self = serde_json::from_slice(json).map_err(LoadError::Format)?;
        match benchmark.schema {
            found if found > SCHEMA => Err(LoadError::Schema { found }),
            _ => Ok(benchmark),
        }
    }

    /// The section of the terminal, line by line, without a heading.
    pub fn render(&self) -> Vec<String> {
        render::render(self)
    }
}

/// Reads the figures from the JSON of a benchmark or makes them from events, whichever the file holds.
pub fn load(bytes: &[u8]) -> Result<Benchmark, LoadError> {
    if record::is_stream(bytes) {
        return Ok(summarise(&record::read(bytes)?));
    }
    Benchmark::from_json(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_reads_back_as_written() {
        let benchmark = summarise(&samples::two_workers());
        assert_eq!(load(benchmark.to_json().as_bytes()).unwrap(), benchmark);
    }

    #[test]
    fn json_has_the_documented_sections() {
        let json: serde_json::Value = serde_json::from_str(&summarise(&samples::two_workers()).to_json()).unwrap();
        assert_eq!(json["schema"], 1);
        assert_eq!(json["summary"]["failed"], 1);
        assert_eq!(json["summary"]["timeout"], 0);
        assert_eq!(json["tests"][0]["test"], "test_a.py::test_one");
        assert_eq!(json["workers"][0]["worker"], "gw0");
        assert_eq!(json["metadata"]["versions"]["pytest"], "9.2.0");
    }

    #[test]
    fn events_load_as_their_benchmark() {
        let records = samples::two_workers();
        let stream: String = records.iter().map(|record| record.to_line() + "\n").collect();
        assert_eq!(load(stream.as_bytes()).unwrap(), summarise(&records));
    }

    #[test]
    fn a_later_benchmark_is_refused() {
        let mut benchmark = summarise(&samples::two_workers());
        benchmark.schema = 2;
        let error = load(benchmark.to_json().as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "the benchmark report has schema 2; this version reads up to 1");
    }

    #[test]
    fn a_file_of_another_kind_is_refused() {
        let error = load(b"<testsuites/>").unwrap_err();
        assert_eq!(error.to_string(), "neither the JSON of a benchmark report nor events");
    }
}
