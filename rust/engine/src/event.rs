//! What happened. `host` makes events of frames, signals, exits and clocks.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ids::{FixtureId, Slot, TestId};
use crate::verdict::Verdict;

/// One thing that happened to a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The worker on this slot has started and waits for its first command.
    WorkerReady {
        /// Where.
        slot: Slot,
    },
    /// A worker was started on this slot before the run began, and has not spoken yet.
    AlreadyStarted {
        /// Where.
        slot: Slot,
    },
    /// The worker that starts on this slot collected by itself, and did not find these tests.
    Lacking {
        /// Where.
        slot: Slot,
        /// Which.
        tests: Vec<TestId>,
    },
    /// A test began on this slot.
    TestStarted {
        /// Where.
        slot: Slot,
        /// Which.
        test: TestId,
    },
    /// A test is over, torn down and reported.
    TestEnded {
        /// Where.
        slot: Slot,
        /// Which.
        test: TestId,
        /// What the worker made of it; [`Verdict::is_reported`].
        verdict: Verdict,
        /// How many failed reports it gave (a call and a teardown can both fail; so can each subtest).
        failures: u32,
        /// How long it took.
        timing: Timing,
        /// Shared set-ups that were done on its behalf.
        set_ups: Vec<FixtureSetUp>,
    },
    /// The worker must know what follows the test that it is tearing down, or, between tests, what to do.
    NextWanted {
        /// Where.
        slot: Slot,
        /// How many commands (`Run`, `Idle`, `Finish`) this worker had read when it asked. Fewer than were sent:
        /// the answer is already on its way, and the question is void.
        seen: u32,
    },
    /// The answer to [`crate::Command::TakeBack`].
    TakenBack {
        /// Where.
        slot: Slot,
        /// How many of the tests handed out to this slot, counted from the last, will not be started there.
        left: u32,
    },
    /// The answer to [`crate::Command::Look`].
    Looked {
        /// Where.
        slot: Slot,
        /// The test that the worker is at; another than runs there if it has gone on already.
        test: TestId,
        /// How much of that test's time was not its own.
        shared: Shared,
    },
    /// A report that failed outside of any test (a fixture's teardown while the worker was between tests).
    ErrorBetweenTests {
        /// Where.
        slot: Slot,
        /// How many failed reports.
        failures: u32,
    },
    /// The worker has torn everything down after `Finish` and said goodbye; its process still has to exit.
    WorkerFinished {
        /// Where.
        slot: Slot,
    },
    /// The worker's process is gone and everything that it had sent has been handled.
    WorkerDied {
        /// Where.
        slot: Slot,
        /// How it ended.
        death: Death,
    },
    /// The answer to [`crate::Command::Ask`].
    Judged {
        /// Which.
        test: TestId,
        /// Whether it is to run again.
        again: bool,
    },
    /// No process could be started on this slot.
    StartFailed {
        /// Where.
        slot: Slot,
    },
    /// A worker says that the session is to stop.
    StopAsked {
        /// Where.
        slot: Slot,
        /// Why.
        kind: StopKind,
    },
    /// Everything that can be known of where the worker stands was written, sooner than [`crate::Limits::stacks`].
    StacksWritten {
        /// Where.
        slot: Slot,
    },
    /// The worker has come to a breakpoint, or to a failure that is to be looked at: it wants the terminal and waits.
    DebuggerWanted {
        /// Where.
        slot: Slot,
    },
    /// The worker has no use for the terminal any more and goes on.
    DebuggerDone {
        /// Where.
        slot: Slot,
    },
    /// Something in the controller wants the session to stop: a plugin that heard a report.
    StopOrdered,
    /// Ctrl-C or SIGTERM reached the controller. The first is polite, the second is not.
    Interrupted,
    /// How much memory the worker on this slot owns now.
    MemoryMeasured {
        /// Where.
        slot: Slot,
        /// Bytes that would come free if it left.
        bytes: u64,
    },
    /// How busy the machine was since the last such event.
    LoadMeasured(Load),
    /// Time has passed and nothing else happened.
    Tick,
    /// The machine or the controller stood still (Ctrl-Z, suspend): every deadline moves by so much.
    Gap {
        /// For how long.
        by: Duration,
    },
}

/// What the processors and the memory that this run may use were doing for a moment. Shares are from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// The share of the processors' time that nobody used.
    pub idle: f64,
    /// The share of time for which somebody waited for a processor.
    pub cpu_pressure: f64,
    /// The share of time for which somebody waited for memory.
    pub memory_pressure: f64,
    /// Memory that can be had, in bytes.
    pub free: u64,
    /// All memory, in bytes.
    pub total: u64,
}

/// Set-ups and teardowns of what tests share, fixtures wider than a function, that happened inside one test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shared {
    /// How long they took so far, the one that is under way included.
    pub spent: Duration,
    /// For how long one has been under way, or has gone on since another within it was done; `None` = none is.
    pub within: Option<Duration>,
}

/// Seconds that one test took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// When its set-up began, in seconds since the run began.
    pub start: f64,
    /// Set-up, without the shared set-ups that it triggered.
    pub setup: f64,
    /// The test itself.
    pub call: f64,
    /// Teardown, without the shared teardowns that it triggered.
    pub teardown: f64,
    /// Shared set-ups and teardowns that happened inside this test.
    pub shared: f64,
}

impl Timing {
    /// What the test itself costs, wherever it runs.
    pub fn own(&self) -> f64 {
        self.setup + self.call + self.teardown
    }

    /// How long it kept its worker.
    pub fn total(&self) -> f64 {
        self.own() + self.shared
    }
}

/// A shared set-up that was done, and how long it took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FixtureSetUp {
    /// Which.
    pub fixture: FixtureId,
    /// Seconds.
    pub seconds: f64,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Death {
    /// With this exit status.
    Exited(i32),
    /// By this signal.
    Signaled(i32),
    /// Nobody could say.
    Unknown,
}

/// SIGKILL and SIGTERM, whose numbers POSIX fixes.
const SENT_BY_OTHERS: [i32; 2] = [9, 15];

impl Death {
    /// Whether somebody else ended the process: what programs do wrong ends them by other signals.
    pub(crate) fn is_from_outside(self) -> bool {
        matches!(self, Self::Signaled(signal) if SENT_BY_OTHERS.contains(&signal))
    }
}

/// Why a worker wants the session to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopKind {
    /// `session.shouldstop` or `session.shouldfail` was set.
    ShouldStop,
    /// `pytest.exit()`.
    Exit,
    /// An exception escaped pytest's protocol.
    InternalError,
    /// KeyboardInterrupt was raised by a test itself.
    KeyboardInterrupt,
}
