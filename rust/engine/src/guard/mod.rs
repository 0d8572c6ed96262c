//! Names that can destroy something. A value of these types cannot be wrong: their constructors refuse.

mod database_name;

pub use database_name::{DatabaseName, DatabaseNameError, MARKER, MAX_LENGTH};
