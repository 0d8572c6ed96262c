mod formats;
mod history;
mod places;

use std::path::Path;

use engine::Verdict;
use engine::history::{Entry, Measurement, Timings};

fn entry(duration: f64) -> Entry {
    Entry {
        duration,
        setup: 0.5,
        status: Verdict::Failed,
        runs: 3,
        timestamp: Some(1_767_225_600.123_456),
        worker: Some("gw1".into()),
        provisional: false,
    }
}

fn timings(entries: impl IntoIterator<Item = (&'static str, Entry)>) -> Timings {
    let mut timings = Timings::default();
    for (nodeid, entry) in entries {
        timings.insert(nodeid.to_owned(), entry).unwrap();
    }
    timings
}

fn passed(duration: f64, timestamp: f64) -> Measurement {
    Measurement { verdict: Verdict::Passed, duration, setup: 0.0, timestamp, worker: None, with_shared: false }
}

fn put(path: &Path, content: &str) {
    std::fs::write(path, content).unwrap();
}
