//! `_engine.Supervisor`: the controller's hold on a run.

use std::fs::File;
use std::os::fd::RawFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use engine::guard::Redaction;
use engine::schedule::Outlook;
use engine::{Config, Limits, Order, Recycling, Retries, Run, Scaling, Slot, TestId};
use host::clock::Clock;
use host::process::{Keep, find_spy};
use host::sense::Machine;
use host::supervisor::{self, NATIVE, Names, Origin, Sensing, Setup, SupervisorHandle};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use report::record::{RunStarted, SCHEMA};

use crate::message::to_python;
use crate::outcome::Outcome;
use crate::plan::{Plan, duration};
use crate::spawner::Spawner;
use crate::worker::{Page, owned};

/// Between a polite signal and the next one.
const GRACE: Duration = Duration::from_secs(5);

/// How long `faulthandler` may take to write: the stacks of a hundred threads take some milliseconds, and a loaded machine
/// may not run the worker at once.
const WRITING: Duration = Duration::from_millis(250);

/// How long one call waits at most before it looks for signals (Ctrl-C).
const PATIENCE: Duration = Duration::from_millis(100);

/// How long the supervisor may take to stop the workers; it needs some microseconds.
const HALT: Duration = Duration::from_secs(1);

/// How many messages one call takes at most, so that Ctrl-C is noticed while thousands wait.
const MOST: usize = 256;

/// How a run is to be done. All times are seconds.
#[derive(FromPyObject)]
pub(crate) struct Terms {
    workers: u16,
    workers_reason: String,
    start_method: String,
    max_failures: Option<u32>,
    max_restarts: u32,
    max_retries: u32,
    retry_delay: f64,
    recycle_after: Option<u32>,
    memory_limit: Option<u64>,
    scaling: Option<(u16, u16)>,
    keep_children: Vec<String>,
    test_limit: Option<f64>,
    worker_limit: f64,
    run_limit: Option<f64>,
    slow: f64,
    elapsed: f64,
    given_order: bool,
    asks: bool,
    run_id: String,
    versions: std::collections::BTreeMap<String, String>,
    keep_records: bool,
    events: Option<RawFd>,
    secrets: Vec<String>,
}

/// A run in progress: one thread of ours, from the first worker to the last verdict.
#[pyclass(frozen, module = "pytest_concurrent._engine")]
pub(crate) struct Supervisor {
    handle: Mutex<Option<SupervisorHandle>>,
    names: Names,
    began: f64,
    outlook: Outlook,
}

#[pymethods]
impl Supervisor {
    /// Starts the thread, which asks for workers at once. `zygote` is its socket's descriptor and its process id,
    /// `spare` the socket of its spare; all are taken over.
    #[new]
    fn new(plan: &mut Plan, page: &Page, zygote: (RawFd, i32), spare: RawFd, terms: Terms) -> PyResult<Self> {
        let origin = Origin::Zygote { zygote: (owned(zygote.0), zygote.1), spare: owned(spare) };
        Self::start(plan, page.0.clone(), origin, terms)
    }

    /// Starts the thread with workers that are processes of their own; the spawner is used up.
    #[staticmethod]
    fn spawning(plan: &mut Plan, spawner: &Spawner, terms: Terms) -> PyResult<Self> {
        let spawner = spawner.consume()?;
        let page = spawner.page().clone();
        Self::start(plan, page, Origin::Spawner(Box::new(spawner)), terms)
    }

    /// What happened since the last call; waits a moment if nothing did. See the stub for the forms.
    fn messages<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyTuple>>> {
        py.check_signals()?;
        let messages = py.detach(|| self.with(|handle| handle.messages(MOST, PATIENCE)))??;
        messages.into_iter().map(|message| to_python(py, message)).collect()
    }

    /// What is thought about the run: seconds of work, the shortest run that so many workers allow, and for each
    /// worker its likely number of tests and their seconds.
    #[getter]
    fn outlook(&self) -> (f64, f64, Vec<(usize, f64)>) {
        let shares = self.outlook.shares.iter().map(|share| (share.tests, share.time.as_secs_f64())).collect();
        (self.outlook.work.as_secs_f64(), self.outlook.bound.as_secs_f64(), shares)
    }

    /// No further test starts; running ones finish.
    fn stop(&self) -> PyResult<()> {
        self.with(|handle| handle.order(supervisor::Order::Stop))
    }

    /// The answer to a message that asks: whether the test whose worker died runs again.
    fn judge(&self, test: u32, again: bool) -> PyResult<()> {
        self.with(|handle| handle.order(supervisor::Order::Judge { test: TestId(test), again }))
    }

    /// Ctrl-C: the first is polite, the second is not.
    fn interrupt(&self) -> PyResult<()> {
        self.with(|handle| handle.order(supervisor::Order::Interrupt))
    }

    /// Nobody else writes to the terminal any more: the worker that waits for it may have it.
    fn lend_terminal(&self, slot: u16) -> PyResult<()> {
        self.with(|handle| handle.order(supervisor::Order::LendTerminal(Slot(slot))))
    }

    /// Asks what every worker is doing; the answer is a message.
    fn inquire(&self) -> PyResult<()> {
        self.with(|handle| handle.order(supervisor::Order::Inquire))
    }

    /// Ctrl-Z: every worker stands still, and no deadline comes nearer until `resume`.
    fn halt(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.with(|handle| handle.halt(HALT)))
    }

    /// `fg`: the workers go on.
    fn resume(&self) -> PyResult<()> {
        self.with(|handle| handle.order(supervisor::Order::Resume))
    }

    /// Waits for the thread to end, which it does right after the message that the run is over.
    fn join(&self, py: Python<'_>) -> PyResult<Outcome> {
        let handle = self.handle.lock().unwrap_or_else(PoisonError::into_inner).take();
        let handle = handle.ok_or_else(|| PyRuntimeError::new_err("this supervisor was already joined"))?;
        Ok(Outcome::new(py.detach(|| handle.join())?, self.names.clone(), self.began))
    }
}

impl Supervisor {
    fn start(plan: &mut Plan, page: Arc<host::page::Page>, origin: Origin, terms: Terms) -> PyResult<Self> {
        let (suite, names) = plan.consume()?;
        let tests = suite.tests.len() as u32;
        let spy = std::env::var_os("PATH").and_then(|path| find_spy(&path));
        let run = Run::new(suite, terms.config(if spy.is_some() { NATIVE } else { WRITING })?);
        let clock = Clock::started(duration(terms.elapsed)?);
        let outlook = run.outlook();
        let timed = names.estimates.iter().any(Option::is_some);
        let started = terms.started(tests, timed.then_some(&outlook), &clock);
        let setup = Setup {
            run,
            page,
            clock,
            origin,
            slots: terms.workers,
            names: names.clone(),
            started,
            keep_records: terms.keep_records,
            events: terms.events.map(|descriptor| File::from(owned(descriptor))),
            redaction: Redaction::new(terms.secrets),
            spy,
            keep: Keep::new(terms.keep_children),
            sensing: Sensing { memory_limit: terms.memory_limit, load: terms.scaling.is_some() },
        };
        Ok(Self { handle: Mutex::new(Some(SupervisorHandle::start(setup)?)), names, began: clock.wall(), outlook })
    }

    fn with<T>(&self, act: impl FnOnce(&SupervisorHandle) -> T) -> PyResult<T> {
        let handle = self.handle.lock().unwrap_or_else(PoisonError::into_inner);
        handle.as_ref().map(act).ok_or_else(|| PyRuntimeError::new_err("this supervisor was already joined"))
    }
}

impl Terms {
    fn config(&self, stacks: Duration) -> PyResult<Config> {
        Ok(Config {
            workers: self.workers,
            max_failures: self.max_failures,
            limits: Limits {
                test: self.test_limit.map(duration).transpose()?,
                worker: duration(self.worker_limit)?,
                run: self.run_limit.map(duration).transpose()?,
                slow: duration(self.slow)?,
                stacks,
                grace: GRACE,
            },
            max_restarts: self.max_restarts,
            asks: self.asks,
            order: if self.given_order { Order::Given } else { Order::LongestFirst },
            recycling: Recycling { tests: self.recycle_after, memory: self.memory_limit },
            retries: Retries { most: self.max_retries, delay: duration(self.retry_delay)?, seed: self.seed() },
            scaling: self.scaling.map(|(first, least)| {
                let processors = u16::try_from(Machine::sense().quota).unwrap_or(u16::MAX);
                Scaling { first, least, processors }
            }),
        })
    }

    /// Chance that differs from run to run: runs that failed together do not try again together.
    fn seed(&self) -> u64 {
        self.run_id.bytes().fold(0, |seed: u64, byte| seed.rotate_left(8) ^ u64::from(byte))
    }

    fn started(&self, tests: u32, outlook: Option<&Outlook>, clock: &Clock) -> RunStarted {
        RunStarted {
            schema: SCHEMA,
            run_id: self.run_id.as_str().into(),
            started_at: clock.wall(),
            tests,
            workers: u32::from(self.workers),
            workers_reason: self.workers_reason.as_str().into(),
            first_workers: self.scaling.map(|(first, _)| first.into()),
            start_method: self.start_method.as_str().into(),
            estimate: outlook.map(|outlook| outlook.work.as_secs_f64()),
            bound: outlook.map(|outlook| outlook.bound.as_secs_f64()),
            versions: self.versions.clone(),
        }
    }
}
