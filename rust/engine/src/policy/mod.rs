//! When something has taken too long, what is done about it, how often a worker may be replaced, and how many there
//! are to be.

mod escalation;
mod restarts;
mod retries;
mod scaling;
mod standstill;
mod watch;

pub(crate) use escalation::{Cause, Escalation, Step};
pub(crate) use restarts::Restarts;
pub(crate) use scaling::{Crew, Scale};
pub(crate) use standstill::RunTime;
pub(crate) use watch::{Alarm, Watch};
