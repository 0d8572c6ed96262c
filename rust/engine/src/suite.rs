//! What the controller tells the engine before a run.

use std::time::Duration;

use crate::ids::{FixtureId, GroupId, ModuleId, ResourceId};

/// The collected tests, in collection order, and what they share. Indices are the ids.
#[derive(Clone, Debug, Default)]
pub struct Suite {
    /// The tests; a test's [`crate::TestId`] is its position here.
    pub tests: Vec<Test>,
    /// The shared set-ups named by [`Test::fixtures`].
    pub fixtures: Vec<Fixture>,
    /// How many tests may hold each resource at once; at least 1 each.
    pub resources: Vec<u32>,
}

/// The facts about one test that scheduling needs.
#[derive(Clone, Debug)]
pub struct Test {
    /// The file it stands in.
    pub module: ModuleId,
    /// Seconds that the test itself is thought to take (its own set-up, call and teardown); `None` when nothing is known.
    pub estimate: Option<f64>,
    /// Tests of an earlier turn are handed out before those of a later one.
    pub turn: u8,
    /// Shared set-ups that it needs, widest scope first.
    pub fixtures: Vec<FixtureId>,
    /// Tests of one group run one after another on one worker, in collection order.
    pub group: Option<GroupId>,
    /// Runs while nothing else runs.
    pub serial: bool,
    /// Runs only while it holds these resources.
    pub resources: Vec<ResourceId>,
    /// The test's own limit, in place of [`Limits::test`].
    pub limit: Option<TestLimit>,
}

/// How long one test may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TestLimit {
    /// How long it may take.
    pub time: Duration,
    /// Whether set-ups and teardowns that it shares with other tests count too, as pytest-timeout has it.
    pub with_shared: bool,
}

impl TestLimit {
    /// A limit of what is the test's own.
    pub fn own(time: Duration) -> Self {
        Self { time, with_shared: false }
    }
}

/// One shared set-up.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fixture {
    /// Seconds that setting it up (and tearing it down) took when last measured; `None` when never seen.
    pub cost: Option<f64>,
    /// A session-wide set-up: each worker that needs it pays once, wherever its tests run, so it groups nothing.
    pub session: bool,
}

/// In which order tests are handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Order {
    /// What would keep the others waiting at the end first, the longest ahead; all else, and a suite of which nothing is
    /// known, in collection order.
    #[default]
    LongestFirst,
    /// As collected: the user or a plugin asked for an order (`--ff`, `--sw`, a shuffling plugin).
    Given,
}

/// How long things may take. `None` = no limit.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// One test: its own set-up, call and teardown.
    pub test: Option<Duration>,
    /// Start, fixtures wider than a function, session teardown and shutdown of a worker.
    pub worker: Duration,
    /// What is left for the run when the first worker starts.
    pub run: Option<Duration>,
    /// A running test is named after this long, and never ended for it.
    pub slow: Duration,
    /// Between the order to write the stacks and the first signal, if nobody says earlier that they are written.
    pub stacks: Duration,
    /// Between a polite signal and the next one.
    pub grace: Duration,
}

/// How a run is to be done.
#[derive(Clone, Debug)]
pub struct Config {
    /// Number of workers, at least 1.
    pub workers: u16,
    /// After so many failures no further test starts (`-x` = 1).
    pub max_failures: Option<u32>,
    /// Limits on time.
    pub limits: Limits,
    /// How many workers may be replaced over the whole run.
    pub max_restarts: u32,
    /// The order of tests.
    pub order: Order,
    /// Whether somebody may want a test to run again whose worker died with it.
    pub asks: bool,
    /// When a worker makes room for a fresh one.
    pub recycling: Recycling,
    /// What is done when a worker cannot be had.
    pub retries: Retries,
    /// How the number of workers moves; `None` = all slots are used from the start.
    pub scaling: Option<Scaling>,
}

/// When a worker with which nothing is wrong makes room for a fresh one, at the next border of a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recycling {
    /// After so many tests; at least 1.
    pub tests: Option<u32>,
    /// When its own memory is larger, in bytes.
    pub memory: Option<u64>,
}

/// How often something that is no test's fault is tried again, and after what pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// So often in a row in one place.
    pub most: u32,
    /// Before the first; doubled before each further one.
    pub delay: Duration,
    /// Where the jitter comes from.
    pub seed: u64,
}

/// Bounds of the number of workers that run at once; the upper one is [`Config::workers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scaling {
    /// So many start.
    pub first: u16,
    /// No fewer remain, whatever the load.
    pub least: u16,
    /// Processors at hand: so many workers are never too many for them.
    pub processors: u16,
}
