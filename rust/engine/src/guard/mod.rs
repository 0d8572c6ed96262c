//! What must not go wrong: names that can destroy something, whose constructors refuse, and secrets in texts.

mod database_name;
mod redaction;

pub use database_name::{DatabaseName, DatabaseNameError, MARKER, MAX_LENGTH, folded};
pub use redaction::{HIDDEN, Redaction, secrets_in};
