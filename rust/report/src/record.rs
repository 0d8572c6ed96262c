//! The event stream: one JSON object per line. Every report can be made again from it.
//!
//! All times and durations are seconds; `time` and every `start` count from the start of the run.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::history::MAX_SECONDS;
use engine::{Death, Ending, RecycleCause, RetryCause, ScaleCause, Timing, Verdict};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The version of the stream that this crate writes and reads. Fields may be added within a version.
pub const SCHEMA: u32 = 1;

/// One line of the stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// When, in seconds since the run's start.
    pub time: f64,
    /// What happened then.
    #[serde(flatten)]
    pub what: What,
}

/// What happened. The name of the variant is the line's `event`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum What {
    /// The run began; always the first line.
    RunStarted(RunStarted),
    /// A process was started on a slot.
    WorkerStarted {
        /// The slot's name, `gw0`.
        worker: Arc<str>,
        /// The process.
        pid: u32,
        /// Which process on this slot, from 1.
        attempt: u32,
    },
    /// The process waits for its first test.
    WorkerReady {
        /// The slot's name.
        worker: Arc<str>,
    },
    /// A test began.
    TestStarted {
        /// Where.
        worker: Arc<str>,
        /// The node id.
        test: Arc<str>,
    },
    /// A test has its verdict.
    TestFinished(TestFinished),
    /// A fixture that several tests share was set up.
    FixtureSetUp {
        /// Where.
        worker: Arc<str>,
        /// Which: name, scope and parameter as one key.
        fixture: Arc<str>,
        /// How long it took.
        seconds: f64,
    },
    /// A worker said goodbye and its process was reaped.
    WorkerFinished {
        /// Where.
        worker: Arc<str>,
        /// CPU seconds, user and system.
        cpu: f64,
        /// Peak resident memory in bytes.
        peak_memory: u64,
    },
    /// A worker's process was lost.
    WorkerDied {
        /// Where.
        worker: Arc<str>,
        /// How the process ended.
        death: Death,
        /// The node id of the test that was running.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        test: Option<Arc<str>>,
        /// What the process left behind: the end of its output, or the stacks of its threads.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        evidence: Option<Box<str>>,
        /// CPU seconds, user and system.
        cpu: f64,
        /// Peak resident memory in bytes.
        peak_memory: u64,
    },
    /// A worker was told to finish, so that a fresh one takes its place.
    WorkerRecycled {
        /// Where.
        worker: Arc<str>,
        /// Why.
        cause: RecycleCause,
        /// How many tests it ran.
        tests: u32,
        /// The memory that it shared with nobody when last measured, in bytes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        memory: Option<u64>,
    },
    /// A worker could not be had, and is tried again after a pause.
    WorkerRetried {
        /// Where.
        worker: Arc<str>,
        /// What went wrong.
        cause: RetryCause,
        /// How often in a row so far on this slot, from 1.
        attempt: u32,
        /// The pause, in seconds.
        delay: f64,
    },
    /// A worker could not be had, and is not tried again on this slot.
    WorkerGivenUp {
        /// Where.
        worker: Arc<str>,
        /// What went wrong.
        cause: RetryCause,
        /// How often in a row.
        attempts: u32,
    },
    /// From now on more or fewer workers are to run.
    WorkersScaled {
        /// How many.
        workers: u32,
        /// Why.
        cause: ScaleCause,
    },
    /// Something failed on a worker while no test was running there.
    ErrorBetweenTests {
        /// Where.
        worker: Arc<str>,
        /// What pytest said of it.
        message: Box<str>,
    },
    /// Something takes longer than expected.
    Notice {
        /// What.
        kind: NoticeKind,
        /// The slot, unless it concerns the whole run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        worker: Option<Arc<str>>,
        /// The node id, if it concerns a test.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        test: Option<Arc<str>>,
        /// What is shared with other tests and takes so long, such as `set-up of module fixture 'db'`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        doing: Option<Box<str>>,
        /// For how long, in seconds.
        elapsed: f64,
        /// The limit that comes near, in seconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<f64>,
    },
    /// The run is over; the last line, unless the controller was killed.
    RunFinished {
        /// Why it is over.
        ending: Ending,
        /// pytest's exit status, if it is known yet.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exit_code: Option<i32>,
        /// How many tests got which verdict.
        verdicts: VerdictCounts,
    },
}

/// What is known when a run begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunStarted {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The run's own id, as workers see it in `PYTEST_CONCURRENT_RUN_ID`.
    pub run_id: Box<str>,
    /// Unix time in seconds.
    pub started_at: f64,
    /// How many tests were collected.
    pub tests: u32,
    /// How many slots there are.
    pub workers: u32,
    /// Why so many.
    pub workers_reason: Box<str>,
    /// How many of them start, if their number moves with the load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_workers: Option<u32>,
    /// `fork` or `spawn`.
    pub start_method: Box<str>,
    /// Estimated seconds of all tests together, if timings are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<f64>,
    /// The shortest run that the plan allows, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<f64>,
    /// Versions of what ran, by name (`python`, `pytest`, …).
    pub versions: BTreeMap<String, String>,
}

/// How a test ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestFinished {
    /// Where; `None` if it never started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<Arc<str>>,
    /// The node id.
    pub test: Arc<str>,
    /// The verdict.
    pub verdict: Verdict,
    /// `start`, `setup`, `call`, `teardown` and `shared`, side by side with the other fields.
    #[serde(flatten)]
    pub timing: Timing,
    /// How many of its reports failed.
    #[serde(default)]
    pub failures: u32,
    /// The failure's text, capped by whoever sends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Box<str>>,
    /// How long it was expected to take, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate: Option<f64>,
    /// The group that the user named and that is never split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Arc<str>>,
}

/// What takes longer than expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// A test is slow; nothing will be done about it.
    Slow,
    /// Most of a test's limit has passed.
    TestNearLimit,
    /// Most of the run's limit has passed.
    RunNearLimit,
    /// Most of the limit has passed while a worker starts or tears down.
    WorkerNearLimit,
}

/// How many tests got which verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VerdictCounts {
    /// [`Verdict::Passed`].
    pub passed: u32,
    /// [`Verdict::Failed`].
    pub failed: u32,
    /// [`Verdict::Error`].
    pub error: u32,
    /// [`Verdict::Skipped`].
    pub skipped: u32,
    /// [`Verdict::Xfailed`].
    pub xfailed: u32,
    /// [`Verdict::Xpassed`].
    pub xpassed: u32,
    /// [`Verdict::Timeout`].
    pub timeout: u32,
    /// [`Verdict::Crashed`].
    pub crashed: u32,
    /// [`Verdict::NotRun`].
    pub not_run: u32,
}

impl VerdictCounts {
    /// Counts one more.
    pub fn add(&mut self, verdict: Verdict) {
        *self.of(verdict) += 1;
    }

    /// All verdicts together.
    pub fn total(&self) -> u32 {
        self.started() + self.not_run
    }

    /// All but those of tests that did not run.
    pub fn started(&self) -> u32 {
        self.passed + self.skipped + self.xfailed + self.xpassed + self.bad()
    }

    /// Verdicts that make a run fail.
    pub fn bad(&self) -> u32 {
        self.failed + self.error + self.timeout + self.crashed
    }

    fn of(&mut self, verdict: Verdict) -> &mut u32 {
        match verdict {
            Verdict::Passed => &mut self.passed,
            Verdict::Failed => &mut self.failed,
            Verdict::Error => &mut self.error,
            Verdict::Skipped => &mut self.skipped,
            Verdict::Xfailed => &mut self.xfailed,
            Verdict::Xpassed => &mut self.xpassed,
            Verdict::Timeout => &mut self.timeout,
            Verdict::Crashed => &mut self.crashed,
            Verdict::NotRun => &mut self.not_run,
        }
    }
}

impl FromIterator<Verdict> for VerdictCounts {
    fn from_iter<I: IntoIterator<Item = Verdict>>(verdicts: I) -> Self {
        let mut counts = Self::default();
        verdicts.into_iter().for_each(|verdict| counts.add(verdict));
        counts
    }
}

/// Why an event stream cannot be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// A line is not an event.
    #[error("line {line} is not an event of pytest-concurrent")]
    Line {
        /// Counted from 1.
        line: usize,
        /// What the parser says.
        source: serde_json::Error,
    },
    /// A line holds seconds that no run takes.
    #[error("line {line} speaks of more seconds than a year has")]
    Seconds {
        /// Counted from 1.
        line: usize,
    },
    /// The stream was written by a later version.
    #[error("the events have schema {found}; this version reads up to {SCHEMA}")]
    Schema {
        /// The schema of the stream.
        found: u32,
    },
}

impl Record {
    /// The record as one line of JSON, without the line's end.
    pub fn to_line(&self) -> String {
        // No map with keys that are not strings, no writer that can fail: nothing is left to go wrong.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads one line.
    pub fn parse_line(line: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(line)
    }
}

/// Reads a whole stream.
///
/// A last line that was cut off, as when the controller was killed while it wrote, is left out.
pub fn read(bytes: &[u8]) -> Result<Vec<Record>, ReadError> {
    let mut records = Vec::new();
    for (index, line) in bytes.split_inclusive(|&byte| byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice(line) {
            Ok(record) if !is_plausible(&record) => return Err(ReadError::Seconds { line: index + 1 }),
            Ok(record) => records.push(check_schema(record)?),
            Err(_) if !line.ends_with(b"\n") => break,
            Err(source) => {
                return Err(ReadError::Line { line: index + 1, source });
            }
        }
    }
    Ok(records)
}

/// Whether the bytes begin like a stream, rather than like some other file.
pub(crate) fn is_stream(bytes: &[u8]) -> bool {
    let first = bytes.split(|&byte| byte == b'\n').find(|line| !line.trim_ascii().is_empty());
    first.is_some_and(|line| serde_json::from_slice::<Record>(line).is_ok())
}

/// Whether its seconds can be added to those of others: a sum that is infinite could not be written as JSON.
fn is_plausible(record: &Record) -> bool {
    let measured: [Option<f64>; 6] = match &record.what {
        What::RunStarted(run) => [run.estimate, run.bound, None, None, None, None],
        What::TestFinished(TestFinished { timing, estimate, .. }) => {
            let Timing { start, setup, call, teardown, shared } = *timing;
            [Some(start), Some(setup), Some(call), Some(teardown), Some(shared), *estimate]
        }
        What::FixtureSetUp { seconds, .. } => [Some(*seconds), None, None, None, None, None],
        What::WorkerFinished { cpu, .. } | What::WorkerDied { cpu, .. } => [Some(*cpu), None, None, None, None, None],
        _ => [None; 6],
    };
    measured.into_iter().flatten().chain([record.time]).all(|seconds| seconds.abs() <= MAX_SECONDS)
}

fn check_schema(record: Record) -> Result<Record, ReadError> {
    match &record.what {
        What::RunStarted(run) if run.schema > SCHEMA => Err(ReadError::Schema { found: run.schema }),
        _ => Ok(record),
    }
}

#[cfg(test)]
mod tests;
