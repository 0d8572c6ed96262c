//! What is to be done. `host` performs commands in the order given.

use serde::{Deserialize, Serialize};
use std::time::Duration;

use crate::ids::{Slot, TestId};
use crate::verdict::Verdict;

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Start a worker on this slot.
    StartWorker {
        /// Where.
        slot: Slot,
    },
    /// Hand these tests to the worker; it runs them in this order after what it already has.
    Run {
        /// Where.
        slot: Slot,
        /// Which, in order; never empty.
        tests: Vec<TestId>,
    },
    /// Answer to [`crate::Event::NextWanted`]: nothing for now; keep session fixtures, tear down the rest.
    Idle {
        /// Where.
        slot: Slot,
    },
    /// Nothing is left for this worker: tear everything down, say goodbye, leave.
    Finish {
        /// Where.
        slot: Slot,
    },
    /// Take back every test that the worker has not started. Answered at once by [`crate::Event::TakenBack`].
    TakeBack {
        /// Where.
        slot: Slot,
    },
    /// Find out whether the worker's test is at something that it shares with others: a limit comes near. Answered at
    /// once by [`crate::Event::Looked`].
    Look {
        /// Where.
        slot: Slot,
    },
    /// Write the stacks of all threads of the worker to its fault file.
    DumpStacks {
        /// Where.
        slot: Slot,
    },
    /// KeyboardInterrupt in the worker.
    Interrupt {
        /// Where.
        slot: Slot,
    },
    /// Ask the worker and what it started to end (SIGTERM to the group).
    Terminate {
        /// Where.
        slot: Slot,
    },
    /// End the worker and what it started (SIGKILL to the group).
    Kill {
        /// Where.
        slot: Slot,
    },
    /// Let the worker have the terminal. Nobody else has it, and no deadline comes nearer until it is back.
    LendTerminal {
        /// Where.
        slot: Slot,
    },
    /// The worker waits for the terminal in vain, because the session was quit.
    RefuseTerminal {
        /// Where.
        slot: Slot,
    },
    /// The worker has given the terminal back, or is gone: it is the controller's again.
    ReclaimTerminal {
        /// Where.
        slot: Slot,
    },
    /// This is the test's verdict. Given exactly once for each test of the suite.
    Settle {
        /// Which.
        test: TestId,
        /// Where it ran; `None` if it never started.
        slot: Option<Slot>,
        /// The verdict.
        verdict: Verdict,
    },
    /// A worker died with this test. Whether it is to run again is to be answered by [`crate::Event::Judged`]; if it
    /// is not, this becomes its verdict. Given only if [`crate::Config::asks`].
    Ask {
        /// Which.
        test: TestId,
        /// Where it ran.
        slot: Slot,
        /// What becomes of it otherwise.
        verdict: Verdict,
    },
    /// A worker died while no test ran on it, outside of a clean end: an error of its own.
    WorkerLost {
        /// Where.
        slot: Slot,
        /// Whether it had already been told to finish (session teardown), else between tests or before its first.
        finishing: bool,
        /// Whether we ended it, because it took longer than [`crate::Limits::worker`].
        hung: bool,
    },
    /// Tell people.
    Tell(Notice),
    /// The run is over: every test is settled and no worker is left.
    End(Ending),
}

/// Something worth a line on the terminal and in the events.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// A test has been running for longer than [`crate::Limits::slow`].
    Slow {
        /// Where.
        slot: Slot,
        /// Which.
        test: TestId,
        /// For how long.
        elapsed: Duration,
    },
    /// 80 % of the test's limit have passed.
    TestNearLimit {
        /// Where.
        slot: Slot,
        /// Which.
        test: TestId,
        /// For how long it has run.
        elapsed: Duration,
        /// Its limit.
        limit: Duration,
    },
    /// 80 % of the run's limit have passed.
    RunNearLimit {
        /// For how long it has run.
        elapsed: Duration,
        /// Its limit.
        limit: Duration,
    },
    /// 80 % of the worker's limit have passed while it starts, tears down, or is at something that tests share.
    WorkerNearLimit {
        /// Where.
        slot: Slot,
        /// The test that shares it.
        test: Option<TestId>,
        /// For how long it has done so.
        elapsed: Duration,
        /// Its limit.
        limit: Duration,
    },
    /// A worker is told to finish, and a fresh one takes its place.
    Recycled {
        /// Where.
        slot: Slot,
        /// Why.
        cause: RecycleCause,
        /// How many tests it ran.
        tests: u32,
        /// Its own memory when last measured, in bytes; 0 = never.
        memory: u64,
    },
    /// A worker could not be had; it is tried again after a pause.
    Retry {
        /// Where.
        slot: Slot,
        /// What went wrong.
        cause: RetryCause,
        /// How often in a row so far on this slot, from 1.
        attempt: u32,
        /// The pause.
        delay: Duration,
    },
    /// A worker could not be had, and it is not tried again on this slot.
    GivenUp {
        /// Where.
        slot: Slot,
        /// What went wrong.
        cause: RetryCause,
        /// How often in a row.
        attempts: u32,
    },
    /// More or fewer workers are to run from now on.
    Scaled {
        /// How many.
        workers: u16,
        /// Why.
        cause: ScaleCause,
    },
}

/// Why a worker makes room for a fresh one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecycleCause {
    /// It has run as many tests as one worker is to run.
    Tests,
    /// It has grown.
    Memory,
}

/// What is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryCause {
    /// A worker did not start.
    Start,
    /// A worker was killed from outside while no test ran on it.
    Killed,
}

/// Why the number of workers changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScaleCause {
    /// Processors idle while tests wait.
    Idle,
    /// There are more workers than the processors can serve.
    Cpu,
    /// Memory runs short.
    Memory,
}

/// Why a run is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Every test had its turn.
    Completed,
    /// `-x` or `--maxfail` was reached.
    MaxFailures,
    /// A worker asked to stop.
    Stopped,
    /// Ctrl-C or SIGTERM.
    Interrupted,
    /// The run's limit.
    RunTimeout,
    /// The restart budget is spent.
    RestartsSpent,
    /// No worker can be had, however often it was tried.
    RetriesSpent,
}
