//! Which test goes to which worker, and when. The ideas are explained in `README.md` beside this file.

mod batch;
mod classes;
mod course;
mod cut;
mod estimates;
mod fixtures;
mod groups;
mod holds;
mod lacking;
mod learning;
mod modules;
mod outlook;
mod plan;
#[cfg(test)]
mod plan_tests;
mod running_median;
mod shard;
mod shelf;
mod stock;
mod thief;
mod units;

pub use groups::groups;
pub use outlook::{Outlook, Share};
pub use shard::shard;

pub(crate) use batch::{Handed, LONG_TEST, Room};
pub(crate) use plan::Plan;
