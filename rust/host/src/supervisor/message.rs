//! What the supervisor tells the controller's main thread.

use engine::{Ending, Notice, Slot, StopKind, TestId, Verdict};

use super::stacks::WorkerStatus;
use crate::process::{Evidence, Orphan};

/// One thing to replay, print or remember.
#[derive(Debug)]
pub enum Message {
    /// A worker that replaces another is being started on this slot.
    Replacing {
        /// Where.
        slot: Slot,
        /// Which process on this slot.
        attempt: u32,
    },
    /// A worker is ready on this slot.
    Ready {
        /// Where.
        slot: Slot,
        /// Which process on this slot, from 1.
        attempt: u32,
        /// Its process id.
        pid: i32,
    },
    /// The worker that starts on this slot collected by itself, and did not find these tests.
    Lacking {
        /// Where.
        slot: Slot,
        /// Which.
        tests: Vec<TestId>,
    },
    /// A worker could not be started on this slot.
    StartFailed {
        /// Where.
        slot: Slot,
        /// The system's reason, for people.
        reason: String,
    },
    /// A test is over and these are its reports.
    Ended {
        /// Where.
        slot: Slot,
        /// Which.
        test: TestId,
        /// What became of it.
        verdict: Verdict,
        /// How long it kept its worker, in seconds.
        seconds: f64,
        /// Its reports, encoded.
        payload: Vec<u8>,
    },
    /// A test has a verdict that no worker reported.
    Settled {
        /// Where it ran, if it did.
        slot: Option<Slot>,
        /// Which.
        test: TestId,
        /// What became of it.
        verdict: Verdict,
        /// What its worker left behind.
        evidence: Option<Box<Evidence>>,
    },
    /// A worker died with this test, and it is to be said whether it runs again.
    Asked {
        /// Where.
        slot: Slot,
        /// Which.
        test: TestId,
        /// What becomes of it otherwise.
        verdict: Verdict,
        /// What its worker left behind.
        evidence: Box<Evidence>,
    },
    /// Reports that belong to no test.
    BetweenTests {
        /// Where.
        slot: Slot,
        /// The reports, encoded.
        payload: Vec<u8>,
    },
    /// A worker died while no test ran on it.
    WorkerLost {
        /// Where.
        slot: Slot,
        /// Whether it was already tearing down.
        finishing: bool,
        /// Whether it was ended for taking too long.
        hung: bool,
        /// What it left behind.
        evidence: Box<Evidence>,
    },
    /// A worker asks to stop the session.
    Stop {
        /// Where.
        slot: Slot,
        /// Why.
        kind: StopKind,
        /// What to say.
        text: String,
        /// The exit code that was asked for.
        code: Option<i32>,
    },
    /// A worker said goodbye.
    Finished {
        /// Where.
        slot: Slot,
        /// What plugins left for the controller, encoded.
        payload: Vec<u8>,
    },
    /// Lines that a worker wrote past the capture; only when asked for.
    Output {
        /// Where.
        slot: Slot,
        /// 1 = stdout, 2 = stderr.
        stream: u8,
        /// One or more lines, or the beginning of one whose end lets one wait.
        bytes: Vec<u8>,
    },
    /// A worker waits for the terminal, which is to be lent to it.
    Debugger {
        /// Where.
        slot: Slot,
        /// The test that it stopped in, if any.
        test: Option<TestId>,
    },
    /// The terminal has come back.
    DebuggerOver {
        /// From where.
        slot: Slot,
    },
    /// What each worker is doing, because somebody asked.
    Status(Vec<WorkerStatus>),
    /// Something for people to know.
    Notice {
        /// What.
        notice: Notice,
        /// What the worker that it is about is at that tests share, in words; empty if nothing.
        doing: String,
    },
    /// Tests had left processes behind.
    Orphans {
        /// Those that were ended.
        ended: Vec<Orphan>,
        /// Those that may outlive the run.
        kept: Vec<Orphan>,
    },
    /// The run is over; nothing follows.
    Over {
        /// Why.
        ending: Ending,
    },
}

impl Message {
    /// About how much memory it holds, in bytes.
    pub(super) fn weight(&self) -> usize {
        let held = match self {
            Self::Ended { payload, .. } | Self::BetweenTests { payload, .. } | Self::Finished { payload, .. } => {
                payload.len()
            }
            Self::Output { bytes, .. } => bytes.len(),
            Self::Stop { text, .. } | Self::StartFailed { reason: text, .. } => text.len(),
            Self::Settled { evidence: Some(evidence), .. }
            | Self::Asked { evidence, .. }
            | Self::WorkerLost { evidence, .. } => evidence.weight(),
            Self::Lacking { tests, .. } => size_of_val(tests.as_slice()),
            Self::Status(workers) => workers.iter().map(|one| one.stacks.len() + one.native.len()).sum(),
            _ => 0,
        };
        held + size_of::<Self>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_counts_as_held_memory() {
        let evidence = Evidence {
            stacks: "x".repeat(1000),
            captured: ["x".repeat(200), String::new()],
            output: [String::new(), "x".repeat(30)],
            ..Evidence::default()
        };
        let lost = Message::WorkerLost { slot: Slot(0), finishing: false, hung: false, evidence: Box::new(evidence) };
        assert!(lost.weight() >= 1230);
    }
}
