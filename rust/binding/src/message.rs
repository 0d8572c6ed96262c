//! Supervisor messages as tuples: a name, then what belongs to it.

use engine::{Death, Ending, Notice, PassedLimit, RecycleCause, RetryCause, ScaleCause, Standing, StopKind, Verdict};
use host::process::{Evidence as HostEvidence, Orphan, signal_name};
use host::supervisor::{Message, WorkerStatus as HostStatus};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::value;

/// What a dead worker left behind.
#[pyclass(frozen, get_all, module = "pytest_concurrent._engine")]
pub(crate) struct Evidence {
    /// How the process ended, in words: `SIGSEGV`, `exit status 3`, or empty if no process ever was.
    death: String,
    /// The number of the signal that ended it.
    signal: Option<i32>,
    /// `setup`, `call`, `teardown` or `between tests`.
    phase: String,
    /// What it was at that tests share, in words; empty if nothing.
    sharing: String,
    /// `test`, `worker` or `run`: whose limit it was ended for; None if that is not why it died.
    limit: Option<&'static str>,
    /// Seconds that the test had been running.
    elapsed: f64,
    /// What `faulthandler` wrote.
    stacks: String,
    /// What py-spy said of them; empty without it.
    native: String,
    /// Captured stdout and stderr of the phase.
    captured: (String, String),
    /// The end of what went past the capture, stdout and stderr.
    output: (String, String),
    /// CPU seconds.
    cpu: f64,
    /// Peak resident memory in bytes.
    peak_memory: u64,
    /// Numbers of the tests that ran before, oldest first.
    before: Vec<u32>,
}

impl From<HostEvidence> for Evidence {
    fn from(evidence: HostEvidence) -> Self {
        let [captured_out, captured_err] = evidence.captured;
        let [out, err] = evidence.output;
        Self {
            death: evidence.death.map(death_in_words).unwrap_or_default(),
            signal: match evidence.death {
                Some(Death::Signaled(number)) => Some(number),
                _ => None,
            },
            phase: evidence.phase.to_owned(),
            sharing: evidence.sharing,
            limit: evidence.limit.map(limit_name),
            elapsed: evidence.elapsed.as_secs_f64(),
            stacks: evidence.stacks,
            native: evidence.native,
            captured: (captured_out, captured_err),
            output: (out, err),
            cpu: evidence.cpu,
            peak_memory: evidence.peak_memory,
            before: evidence.before.into_iter().map(|test| test.0).collect(),
        }
    }
}

/// What a worker is doing, for somebody who asked.
#[pyclass(frozen, get_all, module = "pytest_concurrent._engine")]
pub(crate) struct WorkerStatus {
    /// Its place.
    slot: u16,
    /// Its process; None if there is none.
    pid: Option<i32>,
    /// `vacant`, `starting`, `testing`, `debugging`, `waiting`, `between tests` or `leaving`.
    standing: &'static str,
    /// Number of the test that it runs.
    test: Option<u32>,
    /// Seconds that the test has been running.
    elapsed: f64,
    /// The stacks of its threads.
    stacks: String,
    /// What py-spy said of them; empty without it.
    native: String,
}

impl From<HostStatus> for WorkerStatus {
    fn from(status: HostStatus) -> Self {
        Self {
            slot: status.slot.0,
            pid: status.pid,
            standing: standing_name(status.standing),
            test: status.test.map(|(test, _)| test.0),
            elapsed: status.test.map_or(0.0, |(_, elapsed)| elapsed.as_secs_f64()),
            stacks: status.stacks,
            native: status.native,
        }
    }
}

/// One message; the forms are documented in the stub.
pub(crate) fn to_python(py: Python<'_>, message: Message) -> PyResult<Bound<'_, PyTuple>> {
    match message {
        Message::Ready { slot, attempt, pid } => ("ready", slot.0, attempt, pid).into_pyobject(py),
        Message::Replacing { slot, attempt } => ("replacing", slot.0, attempt).into_pyobject(py),
        Message::Lacking { slot, tests } => {
            let tests: Vec<_> = tests.into_iter().map(|test| test.0).collect();
            ("lacking", slot.0, tests).into_pyobject(py)
        }
        Message::StartFailed { slot, reason } => ("start_failed", slot.0, reason).into_pyobject(py),
        Message::Ended { slot, test, verdict, seconds, payload } => {
            let reports = value::decode(py, &payload).ok();
            ("ended", slot.0, test.0, verdict_name(verdict), seconds, reports).into_pyobject(py)
        }
        Message::Settled { slot, test, verdict, evidence } => {
            let evidence = evidence.map(|evidence| Evidence::from(*evidence));
            let slot = slot.map(|slot| slot.0);
            ("settled", slot, test.0, verdict_name(verdict), evidence).into_pyobject(py)
        }
        Message::Asked { slot, test, verdict, evidence } => {
            ("asked", slot.0, test.0, verdict_name(verdict), Evidence::from(*evidence)).into_pyobject(py)
        }
        Message::BetweenTests { slot, payload } => {
            ("between_tests", slot.0, value::decode(py, &payload).ok()).into_pyobject(py)
        }
        Message::WorkerLost { slot, finishing, hung, evidence } => {
            ("worker_lost", slot.0, finishing, hung, Evidence::from(*evidence)).into_pyobject(py)
        }
        Message::Stop { slot, kind, text, code } => ("stop", slot.0, stop_name(kind), text, code).into_pyobject(py),
        Message::Finished { slot, payload } => ("finished", slot.0, value::decode(py, &payload).ok()).into_pyobject(py),
        Message::Output { slot, stream, bytes } => {
            ("output", slot.0, stream, PyBytes::new(py, &bytes)).into_pyobject(py)
        }
        Message::Debugger { slot, test } => ("debugger", slot.0, test.map(|test| test.0)).into_pyobject(py),
        Message::DebuggerOver { slot } => ("debugger_over", slot.0).into_pyobject(py),
        Message::Status(workers) => {
            let workers: Vec<_> = workers.into_iter().map(WorkerStatus::from).collect();
            ("status", workers).into_pyobject(py)
        }
        Message::Notice { notice, doing } => notice_to_python(py, &notice, &doing),
        Message::Orphans { ended, kept } => {
            let listed = |orphans: Vec<Orphan>| -> Vec<_> {
                orphans.into_iter().map(|orphan| (orphan.pid, orphan.command)).collect()
            };
            ("orphans", listed(ended), listed(kept)).into_pyobject(py)
        }
        Message::Over { ending } => ("over", ending_name(ending)).into_pyobject(py),
    }
}

fn notice_to_python<'py>(py: Python<'py>, notice: &Notice, doing: &str) -> PyResult<Bound<'py, PyTuple>> {
    let (kind, slot, test, elapsed, limit) = match *notice {
        Notice::Recycled { slot, cause, tests, memory } => {
            return ("recycled", slot.0, recycle_name(cause), tests, memory).into_pyobject(py);
        }
        Notice::Retry { slot, cause, attempt, delay } => {
            return ("retry", slot.0, retry_name(cause), attempt, delay.as_secs_f64()).into_pyobject(py);
        }
        Notice::GivenUp { slot, cause, attempts } => {
            return ("given_up", slot.0, retry_name(cause), attempts).into_pyobject(py);
        }
        Notice::WorkerNearLimit { slot, elapsed, limit, .. } => {
            let (elapsed, limit) = (elapsed.as_secs_f64(), limit.as_secs_f64());
            return ("worker_near_limit", slot.0, doing, elapsed, limit).into_pyobject(py);
        }
        Notice::Scaled { workers, cause } => return ("scaled", workers, scale_name(cause)).into_pyobject(py),
        Notice::Slow { slot, test, elapsed } => ("slow", Some(slot), Some(test), elapsed, None),
        Notice::TestNearLimit { slot, test, elapsed, limit } => {
            ("test_near_limit", Some(slot), Some(test), elapsed, Some(limit))
        }
        Notice::RunNearLimit { elapsed, limit } => ("run_near_limit", None, None, elapsed, Some(limit)),
    };
    let limit = limit.map(|limit| limit.as_secs_f64()).into_py_any(py)?;
    let (slot, test) = (slot.map(|slot| slot.0), test.map(|test| test.0));
    ("notice", kind, slot, test, elapsed.as_secs_f64(), limit).into_pyobject(py)
}

fn death_in_words(death: Death) -> String {
    match death {
        Death::Signaled(number) => signal_name(number),
        Death::Exited(status) => format!("exit status {status}"),
        Death::Unknown => "unknown cause".to_owned(),
    }
}

fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed => "failed",
        Verdict::Error => "error",
        Verdict::Skipped => "skipped",
        Verdict::Xfailed => "xfailed",
        Verdict::Xpassed => "xpassed",
        Verdict::Timeout => "timeout",
        Verdict::Crashed => "crashed",
        Verdict::NotRun => "not_run",
    }
}

fn limit_name(limit: PassedLimit) -> &'static str {
    match limit {
        PassedLimit::Test => "test",
        PassedLimit::Worker => "worker",
        PassedLimit::Run => "run",
    }
}

fn standing_name(standing: Standing) -> &'static str {
    match standing {
        Standing::Vacant => "vacant",
        Standing::Starting => "starting",
        Standing::Testing(_) => "testing",
        Standing::Debugging => "debugging",
        Standing::Waiting => "waiting",
        Standing::BetweenTests => "between tests",
        Standing::Leaving => "leaving",
    }
}

fn stop_name(kind: StopKind) -> &'static str {
    match kind {
        StopKind::ShouldStop => "should_stop",
        StopKind::Exit => "exit",
        StopKind::InternalError => "internal_error",
        StopKind::KeyboardInterrupt => "keyboard_interrupt",
    }
}

fn recycle_name(cause: RecycleCause) -> &'static str {
    match cause {
        RecycleCause::Tests => "tests",
        RecycleCause::Memory => "memory",
    }
}

fn retry_name(cause: RetryCause) -> &'static str {
    match cause {
        RetryCause::Start => "start",
        RetryCause::Killed => "killed",
    }
}

fn scale_name(cause: ScaleCause) -> &'static str {
    match cause {
        ScaleCause::Idle => "idle",
        ScaleCause::Cpu => "cpu",
        ScaleCause::Memory => "memory",
    }
}

fn ending_name(ending: Ending) -> &'static str {
    match ending {
        Ending::Completed => "completed",
        Ending::MaxFailures => "max_failures",
        Ending::Stopped => "stopped",
        Ending::Interrupted => "interrupted",
        Ending::RunTimeout => "run_timeout",
        Ending::RestartsSpent => "restarts_spent",
        Ending::RetriesSpent => "retries_spent",
    }
}
