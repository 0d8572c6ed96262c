//! Which format a timing file has.

use std::io::{self, Write};
use std::path::Path;

use engine::history::Timings;

use super::error::Fault;
use super::{csv, json, junit};

/// A format that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Our JSON with a schema version: everything that is known.
    Json,
    /// `test_id,duration_seconds,setup_seconds,status,runs,timestamp,worker`: the tests, without the shared set-ups.
    Csv,
}

/// What a file held.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The timings.
    pub timings: Timings,
    /// How many values were no timings (negative, infinite, absurdly long) and were left out.
    pub refused: usize,
}

impl Format {
    /// By the suffix of a file to write: `.csv`, in any case, is CSV; everything else is JSON.
    pub fn of(path: &Path) -> Self {
        match path.extension() {
            Some(suffix) if suffix.eq_ignore_ascii_case("csv") => Self::Csv,
            _ => Self::Json,
        }
    }

    /// Writes the timings in this format.
    pub fn write(self, timings: &Timings, out: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Json => json::write(timings, out),
            Self::Csv => csv::write(timings, out),
        }
    }
}

/// Reads content in any format, told by its first character: `{` is JSON, `<` is JUnit XML, all else is CSV.
pub fn parse(content: &[u8]) -> Result<Loaded, Fault> {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    match content.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => Err(Fault::at_offset(content, 0, &"it is empty")),
        Some(b'{') => json::parse(content),
        Some(b'<') => junit::parse(content),
        Some(_) => csv::parse(content),
    }
}
