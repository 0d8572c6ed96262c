//! Tells: pure functions from the event stream to text.
#![forbid(unsafe_code)]

pub mod benchmark;
pub mod record;

mod units;

pub use benchmark::{Benchmark, Comparison, LoadError, Tolerance, compare, load, summarise};
pub use record::{NoticeKind, ReadError, Record, RunStarted, TestFinished, VerdictCounts, What};
