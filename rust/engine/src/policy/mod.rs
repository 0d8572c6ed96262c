//! When something has taken too long, what is done about it, and how often a worker may be replaced.

mod escalation;
mod restarts;
mod standstill;
mod watch;

pub(crate) use escalation::{Cause, Escalation, Step};
pub(crate) use restarts::{Restarts, pause};
pub(crate) use standstill::RunTime;
pub(crate) use watch::{Alarm, Watch};
