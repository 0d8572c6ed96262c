//! What is known about one test, and about one shared set-up.

use std::sync::Arc;

use super::seconds::{Damaged, duration, timestamp};
use crate::verdict::Verdict;

/// The weight of the newest run in the moving average.
const ALPHA: f64 = 0.3;

/// What earlier runs say about one test.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Seconds that the test itself takes (its own set-up, call and teardown): a moving average of typical runs.
    pub duration: f64,
    /// Seconds of its own set-up, a part of `duration`: a moving average too.
    pub setup: f64,
    /// What became of it last; never [`Verdict::NotRun`].
    pub status: Verdict,
    /// How many runs were recorded, of whatever verdict.
    pub runs: u64,
    /// When it ran last, in unix seconds; `None` if nobody wrote that down.
    pub timestamp: Option<f64>,
    /// The worker that ran it last (`gw0`).
    pub worker: Option<Arc<str>>,
    /// No typical run was seen yet: `duration` is that of the last failed, skipped or killed run, and the first typical
    /// run replaces it.
    pub provisional: bool,
}

/// What one run measured of one test.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// What became of it.
    pub verdict: Verdict,
    /// Seconds of its own set-up, call and teardown.
    pub duration: f64,
    /// Seconds of its own set-up, a part of `duration`.
    pub setup: f64,
    /// When it ended, in unix seconds.
    pub timestamp: f64,
    /// The worker that ran it.
    pub worker: Option<Arc<str>>,
    /// Whether set-ups and teardowns that tests share are in it: then it counts only until they are measured apart.
    pub with_shared: bool,
}

/// What earlier runs say about one shared set-up.
#[derive(Clone, Debug, PartialEq)]
pub struct FixtureEntry {
    /// Seconds that setting it up takes: a moving average.
    pub duration: f64,
    /// How often it was measured.
    pub runs: u64,
    /// When it was measured last, in unix seconds; `None` if nobody wrote that down.
    pub timestamp: Option<f64>,
}

impl Entry {
    /// An entry for a test of which only the duration is known, in seconds: passed once, nobody knows when.
    pub fn undated(duration: f64) -> Self {
        Self {
            duration,
            setup: 0.0,
            status: Verdict::Passed,
            runs: 1,
            timestamp: None,
            worker: None,
            provisional: false,
        }
    }

    /// The same entry with its numbers checked and rounded.
    pub(super) fn checked(mut self) -> Result<Self, Damaged> {
        if self.status == Verdict::NotRun {
            return Err(Damaged::NotRun);
        }
        self.duration = duration(self.duration)?;
        self.setup = duration(self.setup)?;
        self.timestamp = self.timestamp.map(timestamp).transpose()?;
        Ok(self)
    }

    /// Folds a later (or, after two runs at once, slightly earlier) run in.
    pub(super) fn fold(&mut self, run: Self) {
        self.runs = self.runs.saturating_add(run.runs);
        if self.provisional {
            (self.duration, self.setup) = (run.duration, run.setup);
            self.provisional = run.provisional;
        } else if !run.provisional {
            self.duration = averaged(self.duration, run.duration);
            self.setup = averaged(self.setup, run.setup);
        }
        if run.timestamp >= self.timestamp {
            (self.status, self.timestamp, self.worker) = (run.status, run.timestamp, run.worker);
        }
    }
}

impl From<Measurement> for Entry {
    fn from(run: Measurement) -> Self {
        Self {
            duration: run.duration,
            setup: run.setup,
            status: run.verdict,
            runs: 1,
            timestamp: Some(run.timestamp),
            worker: run.worker,
            provisional: run.with_shared || !run.verdict.is_typical(),
        }
    }
}

impl FixtureEntry {
    pub(super) fn checked(mut self) -> Result<Self, Damaged> {
        self.duration = duration(self.duration)?;
        self.timestamp = self.timestamp.map(timestamp).transpose()?;
        Ok(self)
    }

    pub(super) fn fold(&mut self, run: &Self) {
        self.runs = self.runs.saturating_add(run.runs);
        self.duration = averaged(self.duration, run.duration);
        if run.timestamp >= self.timestamp {
            self.timestamp = run.timestamp;
        }
    }
}

fn averaged(average: f64, newest: f64) -> f64 {
    let moved = average + ALPHA * (newest - average);
    (moved * 1e6).round() / 1e6
}
