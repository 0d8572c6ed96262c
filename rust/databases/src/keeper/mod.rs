//! The process that owns every database client of a run.
