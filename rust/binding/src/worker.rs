//! `_engine.Page`, `_engine.WorkerLink`, `_engine.ZygoteLink`: what the controller's children hold.

use std::os::fd::{IntoRawFd, RawFd};
use std::sync::{Arc, Mutex, PoisonError};

use engine::{FixtureId, Slot, StopKind, TestId, Timing, Verdict};
use host::link::{self, Ended, LinkError, Peek};
use host::page::Phase;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::error::link_error;
use crate::value;

/// The memory that the controller and all workers share.
#[pyclass(frozen, module = "pytest_concurrent._engine")]
pub(crate) struct Page(pub(crate) Arc<host::page::Page>);

#[pymethods]
impl Page {
    #[new]
    fn new(slots: u16) -> PyResult<Self> {
        Ok(Self(Arc::new(host::page::Page::new(slots)?)))
    }

    /// The tests that run now: slot, number, and seconds that it has run.
    fn running(&self) -> Vec<(u16, u32, f64)> {
        let running = self.0.running().into_iter();
        running.map(|(slot, test, elapsed)| (slot.0, test.0, elapsed.as_secs_f64())).collect()
    }
}

/// A worker's end of its socket.
#[pyclass(frozen, module = "pytest_concurrent._engine")]
pub(crate) struct WorkerLink {
    link: Mutex<link::WorkerLink>,
    /// Beside the link, so that a phase is noted while another thread keeps the link busy.
    place: link::Place,
}

#[pymethods]
impl WorkerLink {
    #[new]
    fn new(descriptor: RawFd, slot: u16, page: &Page) -> PyResult<Self> {
        let link = link::WorkerLink::new(owned(descriptor), Slot(slot), Arc::clone(&page.0)).map_err(link_error)?;
        let place = link.place();
        Ok(Self { link: Mutex::new(link), place })
    }

    /// The socket of a worker that collects by itself: it says that it is ready when it is.
    #[staticmethod]
    fn collecting(descriptor: RawFd, slot: u16, page: &Page) -> Self {
        let link = link::WorkerLink::collecting(owned(descriptor), Slot(slot), Arc::clone(&page.0));
        let place = link.place();
        Self { link: Mutex::new(link), place }
    }

    /// Waits for what numbers mean: node ids of tests, keys of shared set-ups.
    fn names(&self, py: Python<'_>) -> PyResult<(Vec<String>, Vec<String>)> {
        let names = self.call(py, link::WorkerLink::names)?;
        Ok((names.tests, names.fixtures))
    }

    /// Says that the worker waits for its first test, and which tests it does not have.
    fn ready(&self, py: Python<'_>, lacking: Vec<u32>) -> PyResult<()> {
        self.call(py, |link| link.ready(lacking.into_iter().map(TestId).collect()))
    }

    /// The test that follows the running one; -1 = nothing, ever; -2 = nothing for now.
    fn peek(&self, py: Python<'_>) -> PyResult<i64> {
        let peek = self.call(py, link::WorkerLink::peek)?;
        Ok(match peek {
            Peek::Test(test) => i64::from(test.0),
            Peek::Nothing => -1,
            Peek::NotNow => -2,
        })
    }

    /// Waits for the next test; `None` = leave.
    fn wait(&self, py: Python<'_>) -> PyResult<Option<u32>> {
        Ok(self.call(py, link::WorkerLink::wait)?.map(|test| test.0))
    }

    /// Claims the test that `wait` named; `None` = it was taken back.
    fn take(&self, py: Python<'_>) -> PyResult<Option<u32>> {
        Ok(self.call(py, link::WorkerLink::take)?.map(|test| test.0))
    }

    /// Reports a test; returns the next one, claimed, if it is at hand, and the names of values that became text.
    #[pyo3(signature = (test, verdict, failures, timing, set_ups, message, reports, *, decisive=false))]
    #[allow(
        clippy::too_many_arguments,
        reason = "one call per test; an object in between would cost more than the call"
    )]
    fn ended(
        &self,
        py: Python<'_>,
        test: u32,
        verdict: &str,
        failures: u32,
        timing: (f64, f64, f64, f64, f64),
        set_ups: Vec<(u32, f64)>,
        message: &str,
        reports: &Bound<'_, PyAny>,
        decisive: bool,
    ) -> PyResult<(Option<u32>, Vec<String>)> {
        let mut payload = Vec::with_capacity(256);
        let degraded = value::encode(reports, &mut payload)?;
        let (start, setup, call, teardown, shared) = timing;
        let ended = Ended {
            test: TestId(test),
            verdict: reported(verdict)?,
            failures,
            timing: Timing { start, setup, call, teardown, shared },
            set_ups: set_ups.into_iter().map(|(fixture, seconds)| (FixtureId(fixture), seconds)).collect(),
            message,
            payload: &payload,
            decisive,
        };
        let next = self.call(py, |link| link.ended(ended))?;
        Ok((next.map(|test| test.0), degraded))
    }

    /// Reports what happened between tests.
    fn between_tests(&self, py: Python<'_>, failures: u32, message: &str, reports: &Bound<'_, PyAny>) -> PyResult<()> {
        let mut payload = Vec::new();
        value::encode(reports, &mut payload)?;
        self.call(py, |link| link.between_tests(failures, message, &payload))
    }

    /// Asks the controller to stop the session.
    fn stop(&self, py: Python<'_>, kind: &str, text: &str, code: Option<i32>) -> PyResult<()> {
        let kind = match kind {
            "should_stop" => StopKind::ShouldStop,
            "exit" => StopKind::Exit,
            "internal_error" => StopKind::InternalError,
            "keyboard_interrupt" => StopKind::KeyboardInterrupt,
            _ => return Err(PyValueError::new_err(format!("{kind:?} is no reason to stop"))),
        };
        self.call(py, |link| link.stop(kind, text, code))
    }

    /// Waits for the terminal, for a debugger; false = the session ends and no debugger comes up.
    fn want_terminal(&self, py: Python<'_>) -> PyResult<bool> {
        self.call(py, link::WorkerLink::want_terminal)
    }

    /// Gives the terminal back.
    fn return_terminal(&self, py: Python<'_>) -> PyResult<()> {
        self.call(py, link::WorkerLink::return_terminal)
    }

    /// Says goodbye.
    fn finished(&self, py: Python<'_>, output: &Bound<'_, PyAny>) -> PyResult<()> {
        let mut payload = Vec::new();
        value::encode(output, &mut payload)?;
        self.call(py, |link| link.finished(&payload))
    }

    /// Notes what the worker is doing: 0 between tests, 1 set-up, 2 call, 3 teardown.
    fn enter(&self, test: u32, phase: u32) {
        let phase = [Phase::Idle, Phase::Setup, Phase::Call, Phase::Teardown].get(phase as usize).copied();
        self.place.enter(TestId(test), phase.unwrap_or(Phase::Idle));
    }

    /// Notes what the worker is at that tests share; `None` = nothing any more.
    fn share(&self, doing: Option<&str>) {
        self.place.share(doing);
    }
}

impl WorkerLink {
    /// The single gate out of the interpreter lock: other threads of the test run while the link waits.
    fn call<T: Send>(
        &self,
        py: Python<'_>,
        act: impl FnOnce(&mut link::WorkerLink) -> Result<T, LinkError> + Send,
    ) -> PyResult<T> {
        py.detach(|| act(&mut self.link.lock().unwrap_or_else(PoisonError::into_inner))).map_err(link_error)
    }
}

/// The zygote's end of its socket.
#[pyclass(frozen, module = "pytest_concurrent._engine")]
pub(crate) struct ZygoteLink(Mutex<Option<link::ZygoteLink>>);

#[pymethods]
impl ZygoteLink {
    #[new]
    fn new(descriptor: RawFd) -> Self {
        Self(Mutex::new(Some(link::ZygoteLink::new(owned(descriptor)))))
    }

    /// For a fork of the zygote: as long as it holds the socket, the zygote's death cannot be seen there.
    fn close(&self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// The spare introduces itself.
    fn hello(&self) -> PyResult<()> {
        self.with(link::ZygoteLink::hello)
    }

    /// Waits until a worker is wanted: slot, attempt, descriptors. `None` = leave.
    fn next_fork(&self, py: Python<'_>) -> PyResult<Option<(u16, u32, Vec<RawFd>)>> {
        let request = py.detach(|| self.with(link::ZygoteLink::next_fork))?;
        Ok(request.map(|request| {
            let descriptors = request.descriptors.into_iter().map(IntoRawFd::into_raw_fd).collect();
            (request.slot.0, request.attempt, descriptors)
        }))
    }

    /// Hands the new worker to the controller.
    fn forked(&self, slot: u16, pid: i32) -> PyResult<()> {
        self.with(|link| link.forked(Slot(slot), pid))
    }

    /// Says that the system refused.
    fn fork_failed(&self, slot: u16, reason: String) -> PyResult<()> {
        self.with(|link| link.fork_failed(Slot(slot), reason))
    }
}

impl ZygoteLink {
    fn with<T>(&self, act: impl FnOnce(&link::ZygoteLink) -> Result<T, LinkError>) -> PyResult<T> {
        let link = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        link.as_ref().ok_or(LinkError::Closed).and_then(act).map_err(link_error)
    }
}

pub(crate) fn owned(descriptor: RawFd) -> std::os::fd::OwnedFd {
    host::adopt(descriptor)
}

fn reported(name: &str) -> PyResult<Verdict> {
    Ok(match name {
        "passed" => Verdict::Passed,
        "failed" => Verdict::Failed,
        "error" => Verdict::Error,
        "skipped" => Verdict::Skipped,
        "xfailed" => Verdict::Xfailed,
        "xpassed" => Verdict::Xpassed,
        // Broken off by Ctrl-C or `pytest.exit`.
        "not_run" => Verdict::NotRun,
        _ => return Err(PyValueError::new_err(format!("{name:?} is no verdict that a worker gives"))),
    })
}
