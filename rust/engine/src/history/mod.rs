//! What earlier runs measured, and what it says about the next one.
//!
//! [`Timings`] maps node ids to an [`Entry`] each, and shared set-ups to a [`FixtureEntry`]. It holds checked values
//! only: whatever comes in through [`Timings::insert`] or [`Timings::record`] is finite, in range and rounded to
//! microseconds, so that it is written and read back unchanged in every format.

mod entry;
mod resolver;
mod seconds;
mod status;
mod timings;

pub use entry::{Entry, FixtureEntry, Measurement};
pub use resolver::Resolver;
pub use seconds::{Damaged, MAX_SECONDS, MAX_TIMESTAMP};
pub use status::{status_name, status_verdict};
pub use timings::Timings;
