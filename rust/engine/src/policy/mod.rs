//! When something has taken too long, what is done about it, how often a worker may be replaced, and how many there
//! are to be.

mod escalation;
mod restarts;
mod retries;
mod scaling;
mod standstill;
mod test_clock;
mod watch;

pub(crate) use escalation::{Cause, Escalation, Step};
pub(crate) use restarts::Restarts;
pub(crate) use scaling::{Crew, Scale};
pub(crate) use standstill::RunTime;
pub(crate) use test_clock::{Charge, TestClock};
pub(crate) use watch::{Alarm, Watch};
