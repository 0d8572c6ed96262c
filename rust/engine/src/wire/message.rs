//! The words that controller, zygote and workers exchange, in [postcard](https://postcard.jamesmunns.com/wire-format)'s encoding.

use serde::{Deserialize, Serialize};

use super::WireError;
use crate::event::{StopKind, Timing};
use crate::ids::{FixtureId, Slot, TestId};
use crate::verdict::Verdict;

/// From the controller to a worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToWorker {
    /// Run these tests after what you already have.
    Run {
        /// The grant that these tests belong to; void once the shared page names a later one.
        epoch: u16,
        /// Which, in order.
        tests: Vec<TestId>,
    },
    /// Nothing for now: keep session fixtures, tear down the rest.
    Idle,
    /// Nothing is left: tear everything down, say goodbye, leave.
    Finish,
    /// Answer to [`FromWorker::DebuggerWanted`]: the terminal is yours.
    TerminalLent,
    /// Answer to [`FromWorker::DebuggerWanted`]: the session ends, no debugger comes up any more.
    TerminalRefused,
    /// Answer to [`FromWorker::AllSaid`]: what came before it was acted on.
    AllHeard,
    /// What the numbers of the run mean: the first word to a worker that collected by itself.
    Suite {
        /// Node ids, by test.
        tests: Vec<String>,
        /// Keys of shared set-ups, by fixture.
        fixtures: Vec<String>,
    },
}

/// From a worker to the controller. `payload` is opaque to all but Python: see [`super::value`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FromWorker<'a> {
    /// Reset after the fork and waiting for the first command.
    Ready,
    /// A test begins.
    Started {
        /// Which.
        test: TestId,
    },
    /// A test is over.
    Ended {
        /// Which.
        test: TestId,
        /// What became of it.
        verdict: Verdict,
        /// Number of failed reports.
        failures: u32,
        /// Seconds; `start` is the wall clock's (unix time).
        timing: Timing,
        /// Shared set-ups done on its behalf, and their seconds.
        set_ups: Vec<(FixtureId, f64)>,
        /// The text of the first failure, for those who do not decode the payload; empty if there is none.
        message: &'a str,
        /// Its reports.
        payload: &'a [u8],
        /// The test that begins now, if the next one is at hand.
        next: Option<TestId>,
    },
    /// What comes next? Asked during the last teardown, or between tests.
    NextWanted {
        /// Number of commands read so far.
        seen: u32,
    },
    /// Reports that belong to no test: a teardown between tests.
    BetweenTests {
        /// Number of failed reports.
        failures: u32,
        /// The text of the first failure.
        message: &'a str,
        /// The reports.
        payload: &'a [u8],
    },
    /// The session is to stop.
    Stop {
        /// Why.
        kind: StopKind,
        /// What to say.
        text: &'a str,
        /// The exit code that `pytest.exit` asked for.
        code: Option<i32>,
    },
    /// A debugger is to come up here: the worker wants the terminal, and waits for the answer.
    DebuggerWanted,
    /// The worker has let go of the terminal.
    DebuggerDone,
    /// Asks for an answer as soon as everything said before was acted on.
    AllSaid,
    /// Everything is torn down; the process ends next.
    Finished {
        /// What plugins left for the controller.
        payload: &'a [u8],
    },
    /// Before it is ready: tests of the run that this worker did not collect.
    Lacking {
        /// Which.
        tests: Vec<TestId>,
    },
}

/// From the controller to a worker that was started as a process of its own, with its descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Birth {
    /// Its place.
    pub slot: Slot,
    /// 1 for the first process on this slot, then counting.
    pub attempt: u32,
    /// How many places the shared page has.
    pub slots: u16,
}

/// From the controller to the zygote.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToZygote {
    /// Fork a worker that uses the descriptors sent along.
    Fork {
        /// Its place.
        slot: Slot,
        /// 1 for the first process on this slot, then counting.
        attempt: u32,
    },
    /// Wait for this dead child and say how it ended.
    Reap {
        /// Its process id.
        pid: i32,
    },
}

/// From the zygote to the controller.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FromZygote {
    /// The spare says who it is; its pidfd comes along.
    Hello {
        /// Its process id.
        pid: i32,
    },
    /// A worker was forked; its pidfd comes along.
    Forked {
        /// Its place.
        slot: Slot,
        /// Its process id.
        pid: i32,
    },
    /// No worker could be forked.
    ForkFailed {
        /// Its place.
        slot: Slot,
        /// The system's reason.
        reason: String,
    },
    /// The child is reaped.
    Reaped {
        /// Its process id, free from now on.
        pid: i32,
        /// As `wait4` gives it; `None` if nobody could say.
        status: Option<i32>,
        /// Seconds of CPU, user and system.
        cpu: f64,
        /// Peak resident memory in bytes.
        peak_memory: u64,
    },
}

/// Appends a message to `buffer`.
pub fn encode<T: Serialize>(message: &T, buffer: &mut Vec<u8>) {
    struct Append<'a>(&'a mut Vec<u8>);
    impl Extend<u8> for Append<'_> {
        fn extend<I: IntoIterator<Item = u8>>(&mut self, bytes: I) {
            self.0.extend(bytes);
        }
    }
    let mark = buffer.len();
    if postcard::to_extend(message, Append(&mut *buffer)).is_err() {
        buffer.truncate(mark);
    }
}

/// Reads a message that takes up all of `bytes`.
pub fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, WireError> {
    match postcard::take_from_bytes(bytes) {
        Ok((message, [])) => Ok(message),
        Err(postcard::Error::DeserializeUnexpectedEnd) => Err(WireError::Truncated),
        Ok(_) | Err(_) => Err(WireError::Malformed("message")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_ended_test_comes_out_as_it_went_in() {
        let message = FromWorker::Ended {
            test: TestId(17),
            verdict: Verdict::Failed,
            failures: 2,
            timing: Timing { start: 1.0, setup: 0.5, call: 0.25, teardown: 0.125, shared: 0.0 },
            set_ups: vec![(FixtureId(3), 0.5)],
            message: "AssertionError",
            payload: b"reports",
            next: Some(TestId(18)),
        };
        let mut bytes = Vec::new();
        encode(&message, &mut bytes);
        assert_eq!(decode::<FromWorker>(&bytes), Ok(message));
    }

    #[test]
    fn bytes_behind_a_message_are_refused() {
        let mut bytes = Vec::new();
        encode(&ToWorker::Idle, &mut bytes);
        bytes.push(0);
        assert_eq!(decode::<ToWorker>(&bytes), Err(WireError::Malformed("message")));
    }

    proptest! {
        #[test]
        fn commands_come_out_as_they_went_in(epoch: u16, tests: Vec<u32>) {
            let message = ToWorker::Run { epoch, tests: tests.into_iter().map(TestId).collect() };
            let mut bytes = Vec::new();
            encode(&message, &mut bytes);
            prop_assert_eq!(decode::<ToWorker>(&bytes), Ok(message));
        }

        #[test]
        fn any_bytes_are_a_message_or_an_error(bytes: Vec<u8>) {
            let _ = decode::<FromWorker>(&bytes);
            let _ = decode::<FromZygote>(&bytes);
            let _ = decode::<ToWorker>(&bytes);
        }
    }
}
