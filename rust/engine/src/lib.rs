//! The part of pytest-concurrent that decides.
//!
//! **Events in → [`Run::handle`] → commands out.** Nothing here has a clock, a socket, a thread or an interpreter,
//! so that a run can be replayed, property-tested and fuzzed in milliseconds. `host` acts, `report` tells,
//! `binding` translates.
#![forbid(unsafe_code)]

mod command;
mod event;
mod ids;
mod run;
mod suite;
mod verdict;

pub mod guard;
pub mod history;
pub mod policy;
pub mod schedule;
pub mod wire;

pub use command::{Command, Ending, Notice, RecycleCause, RetryCause, ScaleCause};
pub use event::{Death, Event, FixtureSetUp, Load, Shared, StopKind, Timing};
pub use ids::{FixtureId, GroupId, ModuleId, ResourceId, Slot, TestId};
pub use run::{Counts, PassedLimit, Run, Running, Standing};
pub use suite::{Config, Fixture, Limits, Order, Recycling, Retries, Scaling, Suite, Test, TestLimit};
pub use verdict::Verdict;
