//! Compact JSON, sorted by node id: the same timings are always the same bytes.

use std::io::{self, Write};

use engine::history::{Entry, FixtureEntry, Timings, status_name};
use serde::{Serialize, Serializer};

use super::SCHEMA;

#[derive(Serialize)]
struct Document<'a> {
    schema: u64,
    #[serde(serialize_with = "as_map")]
    tests: Vec<(&'a str, TestFields<'a>)>,
    #[serde(serialize_with = "as_map")]
    fixtures: Vec<(&'a str, FixtureFields)>,
}

#[derive(Serialize)]
struct TestFields<'a> {
    duration: f64,
    setup: f64,
    status: &'static str,
    runs: u64,
    timestamp: Option<f64>,
    worker: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    provisional: bool,
}

#[derive(Serialize)]
struct FixtureFields {
    duration: f64,
    runs: u64,
    timestamp: Option<f64>,
}

pub(in super::super) fn write(timings: &Timings, out: &mut impl Write) -> io::Result<()> {
    let document = Document {
        schema: SCHEMA,
        tests: timings.tests().into_iter().map(|(nodeid, entry)| (nodeid, entry.into())).collect(),
        fixtures: timings.fixtures().into_iter().map(|(key, entry)| (key, entry.into())).collect(),
    };
    serde_json::to_writer(&mut *out, &document)?;
    out.write_all(b"\n")
}

fn as_map<S: Serializer, V: Serialize>(items: &[(&str, V)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(items.iter().map(|(key, value)| (key, value)))
}

impl<'a> From<&'a Entry> for TestFields<'a> {
    fn from(entry: &'a Entry) -> Self {
        Self {
            duration: entry.duration,
            setup: entry.setup,
            status: status_name(entry.status).unwrap_or_default(),
            runs: entry.runs,
            timestamp: entry.timestamp,
            worker: entry.worker.as_deref(),
            provisional: entry.provisional,
        }
    }
}

impl From<&FixtureEntry> for FixtureFields {
    fn from(entry: &FixtureEntry) -> Self {
        Self { duration: entry.duration, runs: entry.runs, timestamp: entry.timestamp }
    }
}
