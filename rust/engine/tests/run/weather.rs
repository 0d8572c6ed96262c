//! What the world is like: how long things really take, and what goes wrong.

use std::time::Duration;

use engine::Load;

/// What happens in the world beside tests that go well. Each number means "once in so many"; 0 = never.
#[derive(Clone, Debug, Default)]
pub(crate) struct Weather {
    pub(crate) seed: u64,
    /// Longest delay of a message in either direction.
    pub(crate) delay: Duration,
    pub(crate) start_time: Duration,
    pub(crate) crash_in_test: u64,
    pub(crate) crash_between: u64,
    pub(crate) start_fails: u64,
    pub(crate) fails: u64,
    /// A test that never ends by itself.
    pub(crate) hangs: u64,
    /// A worker that does not care for SIGTERM.
    pub(crate) stubborn: u64,
    /// Moments at which somebody presses Ctrl-C.
    pub(crate) interrupts: Vec<Duration>,
    /// Moments at which a random worker is killed from outside.
    pub(crate) kills: Vec<Duration>,
    pub(crate) stop_asked: u64,
    /// A test that a worker does not find.
    pub(crate) lacks: u64,
    /// A test that stops at a breakpoint.
    pub(crate) debugs: u64,
    /// After a test its worker is found to own more memory than before.
    pub(crate) grows: u64,
    /// What the machine is measured to do.
    pub(crate) loads: Vec<Load>,
}

/// What tests and fixtures really take, in seconds.
#[derive(Clone, Debug)]
pub(crate) struct Truth {
    pub(crate) tests: Vec<f64>,
    pub(crate) fixtures: Vec<f64>,
}
