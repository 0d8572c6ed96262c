//! Timings as JSON, with a schema version; and `{"node id": seconds}`, as pytest-split keeps it.

mod read;
mod value;
mod write;

pub(super) use read::parse;
pub(super) use write::write;

/// The newest schema, and the one that is written.
const SCHEMA: u64 = 1;
