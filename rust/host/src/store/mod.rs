//! Timing files: read in any format, written whole or not at all.
//!
//! Reading tells the format by the content: our JSON, `{"node id": seconds}` (pytest-split), a JUnit XML file, or CSV.
//! Writing goes to a temporary file beside the target that then takes its place, under a lock that other runs respect.

mod csv;
mod error;
mod file;
mod format;
mod history;
mod json;
mod junit;
mod lock;
mod moment;

pub use error::{Fault, SetAside, StoreError};
pub use format::{Format, Loaded, parse};
pub use history::History;

use std::path::Path;
use std::time::Duration;

use engine::history::Timings;

/// How long a run waits for another one that writes the same file. Writing a million tests takes about a second.
const PATIENCE: Duration = Duration::from_secs(10);

/// The most tests that the cache keeps; the ones seen longest ago go first.
const MAX_CACHED: usize = 1_000_000;

/// Reads a file that the user named. It is never changed.
pub fn read(path: &Path) -> Result<Loaded, StoreError> {
    let loaded = parse(&file::read(path)?).map_err(|cause| cause.at(path))?;
    if loaded.timings.is_empty() && loaded.refused > 0 {
        return Err(StoreError::NoTimings { path: path.into(), refused: loaded.refused });
    }
    Ok(loaded)
}

/// Reads our own cache file. A missing one is empty; one that cannot be read is set aside, so that it stands in nobody's
/// way, and the second value says so.
pub fn read_cache(path: &Path) -> (Timings, Option<SetAside>) {
    match read(path) {
        Ok(loaded) => (loaded.timings, None),
        Err(StoreError::Missing { .. }) => (Timings::default(), None),
        Err(why) => (Timings::default(), Some(SetAside::rename(path, why))),
    }
}

/// Writes a file that the user named; what was there is replaced. The suffix `.csv` makes it CSV, any other JSON,
/// unless a format is given.
pub fn write(path: &Path, timings: &Timings, format: Option<Format>) -> Result<(), StoreError> {
    file::make_parent(path)?;
    let _lock = lock::Lock::take(path, PATIENCE)?;
    file::replace(path, |out| format.unwrap_or_else(|| Format::of(path)).write(timings, out))
}

/// Changes a file that the user named: read, changed and written under one lock, in the format of its suffix.
pub fn update(path: &Path, change: impl FnOnce(&mut Timings)) -> Result<(), StoreError> {
    let _lock = lock::Lock::take(path, PATIENCE)?;
    let mut timings = read(path)?.timings;
    change(&mut timings);
    file::replace(path, |out| Format::of(path).write(&timings, out))
}

/// Changes our own cache file, made if it is missing: read, changed and written under one lock, so that two runs at once
/// lose nothing.
pub fn update_cache(path: &Path, change: impl FnOnce(&mut Timings)) -> Result<Option<SetAside>, StoreError> {
    file::make_parent(path)?;
    let _lock = lock::Lock::take(path, PATIENCE)?;
    let (mut timings, set_aside) = read_cache(path);
    change(&mut timings);
    timings.keep_newest(MAX_CACHED);
    file::replace(path, |out| Format::Json.write(&timings, out))?;
    Ok(set_aside)
}

#[cfg(test)]
mod tests;
