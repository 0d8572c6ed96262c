//! Timings as CSV, for spreadsheets and other tools. Timestamps are written as ISO 8601 in UTC.

use std::io::{self, Write};

use csv::{ByteRecord, ReaderBuilder, Writer};
use engine::Verdict;
use engine::history::{Entry, Timings, status_name, status_verdict};

use super::error::Fault;
use super::format::Loaded;
use super::moment;

const COLUMNS: [&str; 7] = ["test_id", "duration_seconds", "setup_seconds", "status", "runs", "timestamp", "worker"];

pub(super) fn write(timings: &Timings, out: &mut impl Write) -> io::Result<()> {
    let mut rows = Writer::from_writer(out);
    rows.write_record(COLUMNS)?;
    for (nodeid, entry) in timings.tests() {
        rows.write_record([
            nodeid,
            &entry.duration.to_string(),
            &entry.setup.to_string(),
            status_name(entry.status).unwrap_or_default(),
            &entry.runs.to_string(),
            &entry.timestamp.and_then(moment::iso).unwrap_or_default(),
            entry.worker.as_deref().unwrap_or_default(),
        ])?;
    }
    rows.flush()
}

/// Reads any CSV whose header names the first two columns, in any order; the others may be missing or empty.
pub(super) fn parse(content: &[u8]) -> Result<Loaded, Fault> {
    let mut rows = ReaderBuilder::new().flexible(true).from_reader(content);
    let header = rows.byte_headers().map_err(|error| fault(content, &error))?;
    let columns = Columns::find(header).ok_or_else(|| Fault::at_offset(content, 0, &NO_FORMAT))?;
    let mut loaded = Loaded::default();
    let mut row = ByteRecord::new();
    while rows.read_byte_record(&mut row).map_err(|error| fault(content, &error))? {
        let entry = columns.entry(&row).map(|(nodeid, entry)| loaded.timings.insert(nodeid.to_owned(), entry));
        if !matches!(entry, Some(Ok(()))) {
            loaded.refused += 1;
        }
    }
    Ok(loaded)
}

const NO_FORMAT: &str =
    "expected JSON, JUnit XML, or CSV with a header that has the columns `test_id` and `duration_seconds`";

fn fault(content: &[u8], error: &csv::Error) -> Fault {
    let offset = error.position().map_or(0, |position| position.byte() as usize);
    Fault::at_offset(content, offset, &error)
}

/// Where each column stands; by the order of [`COLUMNS`].
struct Columns([Option<usize>; COLUMNS.len()]);

impl Columns {
    fn find(header: &ByteRecord) -> Option<Self> {
        let place = |name: &str| header.iter().position(|cell| cell.trim_ascii() == name.as_bytes());
        let columns = Self(COLUMNS.map(place));
        (columns.0[0].is_some() && columns.0[1].is_some()).then_some(columns)
    }

    /// The text of a cell; `None` when it is missing or empty.
    fn cell<'r>(&self, row: &'r ByteRecord, column: usize) -> Option<&'r str> {
        let cell = std::str::from_utf8(row.get(self.0[column]?)?).ok()?.trim();
        (!cell.is_empty()).then_some(cell)
    }

    /// The test of a row; `None` when a cell does not say what it should.
    fn entry<'r>(&self, row: &'r ByteRecord) -> Option<(&'r str, Entry)> {
        let cell = |column| self.cell(row, column);
        let entry = Entry {
            duration: cell(1)?.parse().ok()?,
            setup: cell(2).map_or(Ok(0.0), str::parse).ok()?,
            status: cell(3).map_or(Some(Verdict::Passed), status_verdict)?,
            runs: cell(4).map_or(Ok(1), str::parse).ok()?,
            timestamp: match cell(5) {
                Some(text) => Some(moment::parse(text)?),
                None => None,
            },
            worker: cell(6).map(Into::into),
            provisional: false,
        };
        Some((cell(0)?, entry))
    }
}
