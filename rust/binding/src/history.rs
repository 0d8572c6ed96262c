//! `_engine.History`, and the functions beneath `pytest_concurrent.timing_utils`: timing files as Python sees them.
#![expect(clippy::needless_pass_by_value, reason = "PyO3 hands over lists and paths as owned values")]

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use engine::Verdict;
use engine::history::{Damaged, Entry, Measurement, Timings, status_name, status_verdict};
use host::store::{self, Format, StoreError};
use pyo3::exceptions::{PyFileNotFoundError, PyOSError, PyPermissionError, PyTimeoutError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// What is known before a run, and what this run measures.
#[pyclass(frozen, module = "pytest_concurrent._engine")]
pub(crate) struct History {
    history: Mutex<store::History>,
    warning: Option<String>,
}

impl History {
    /// The history itself, for what in this crate adds to it without Python.
    pub(crate) fn lock(&self) -> MutexGuard<'_, store::History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl History {
    #[new]
    #[pyo3(signature = (cache=None))]
    fn new(py: Python<'_>, cache: Option<PathBuf>) -> Self {
        let (history, set_aside) = py.detach(|| store::History::open(cache));
        Self { history: Mutex::new(history), warning: set_aside.map(|aside| aside.to_string()) }
    }

    /// One line if the cache could not be read and was set aside.
    #[getter]
    fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }

    fn __len__(&self) -> usize {
        self.lock().known().len()
    }

    /// Adds a file that the user named; returns how many of its values were refused.
    fn import_file(&self, py: Python<'_>, path: PathBuf) -> PyResult<usize> {
        py.detach(|| self.lock().import(&path)).map_err(store_error)
    }

    /// Gives dotted ids the node ids that were collected.
    fn resolve(&self, py: Python<'_>, nodeids: Vec<String>) {
        py.detach(|| self.lock().resolve(nodeids.iter().map(String::as_str)));
    }

    /// Seconds that each test is thought to take.
    #[pyo3(signature = (nodeids, *, imported_only=false))]
    fn estimates(&self, py: Python<'_>, nodeids: Vec<String>, imported_only: bool) -> Vec<Option<f64>> {
        py.detach(|| {
            let history = self.lock();
            let timings = if imported_only { history.imported() } else { history.known() };
            nodeids.iter().map(|nodeid| timings.estimate(nodeid)).collect()
        })
    }

    /// Seconds that each shared set-up is thought to take.
    #[pyo3(signature = (keys, *, imported_only=false))]
    fn fixture_costs(&self, py: Python<'_>, keys: Vec<String>, imported_only: bool) -> Vec<Option<f64>> {
        py.detach(|| {
            let history = self.lock();
            let timings = if imported_only { history.imported() } else { history.known() };
            keys.iter().map(|key| timings.fixture_cost(key)).collect()
        })
    }

    /// Notes what became of a test.
    #[pyo3(signature = (nodeid, status, duration, *, setup=0.0, timestamp, worker=None, with_shared=false))]
    #[expect(clippy::too_many_arguments, reason = "they have names in Python")]
    fn record(
        &self,
        nodeid: &str,
        status: &str,
        duration: f64,
        setup: f64,
        timestamp: f64,
        worker: Option<&str>,
        with_shared: bool,
    ) -> PyResult<()> {
        let verdict = status_verdict(status)
            .ok_or_else(|| PyValueError::new_err(format!("{status:?} is no status of a test that ran")))?;
        let run = Measurement { verdict, duration, setup, timestamp, worker: worker.map(Into::into), with_shared };
        self.lock().record(nodeid, run).map_err(|damaged| damaged_error(&damaged))
    }

    /// Notes how long a shared set-up took.
    fn record_fixture(&self, key: &str, seconds: f64, timestamp: f64) -> PyResult<()> {
        self.lock().record_fixture(key, seconds, timestamp).map_err(|damaged| damaged_error(&damaged))
    }

    /// Writes the cache; returns one line if what another run left there could not be read and was set aside.
    fn save(&self, py: Python<'_>) -> PyResult<Option<String>> {
        let set_aside = py.detach(|| self.lock().save()).map_err(store_error)?;
        Ok(set_aside.map(|aside| aside.to_string()))
    }

    /// Writes the tests of this run over what was imported.
    #[pyo3(signature = (path, format=None))]
    fn export(&self, py: Python<'_>, path: PathBuf, format: Option<&str>) -> PyResult<()> {
        let format = format.map(named_format).transpose()?;
        py.detach(|| self.lock().export(&path, format)).map_err(store_error)
    }
}

/// Reads a timing file in any format: a dict per node id, and how many values were refused.
#[pyfunction]
pub(crate) fn read_timings(py: Python<'_>, path: PathBuf) -> PyResult<(Bound<'_, PyDict>, usize)> {
    let loaded = py.detach(|| store::read(&path)).map_err(store_error)?;
    let tests = PyDict::new(py);
    for (nodeid, entry) in loaded.timings.tests() {
        tests.set_item(nodeid, as_dict(py, entry)?)?;
    }
    Ok((tests, loaded.refused))
}

/// Writes a timing file; returns how many values were no timings and were left out.
#[pyfunction]
#[pyo3(signature = (timings, path, format=None))]
pub(crate) fn write_timings(timings: &Bound<'_, PyDict>, path: PathBuf, format: Option<&str>) -> PyResult<usize> {
    let format = format.map(named_format).transpose()?;
    let mut known = Timings::with_capacity(timings.len());
    let mut refused = 0;
    for (nodeid, value) in timings.iter() {
        let nodeid = nodeid.extract()?;
        if !as_entry(&value).is_ok_and(|entry| known.insert(nodeid, entry).is_ok()) {
            refused += 1;
        }
    }
    timings.py().detach(|| store::write(&path, &known, format)).map_err(store_error)?;
    Ok(refused)
}

/// Merges timing files into one; returns how many tests it has, and how many values were refused.
#[pyfunction]
#[pyo3(signature = (paths, output, format=None))]
pub(crate) fn merge_timing_files(
    py: Python<'_>,
    paths: Vec<PathBuf>,
    output: PathBuf,
    format: Option<&str>,
) -> PyResult<(usize, usize)> {
    let format = format.map(named_format).transpose()?;
    py.detach(|| {
        let mut merged = Timings::default();
        let mut refused = 0;
        for path in &paths {
            let loaded = store::read(path)?;
            merged.merge(loaded.timings);
            refused += loaded.refused;
        }
        store::write(&output, &merged, format)?;
        Ok((merged.len(), refused))
    })
    .map_err(store_error)
}

/// Drops tests from a timing file, under its lock; returns how many went and how many are left.
#[pyfunction]
#[pyo3(signature = (path, *, before=None, keep=None))]
pub(crate) fn prune_timing_file(
    py: Python<'_>,
    path: PathBuf,
    before: Option<f64>,
    keep: Option<std::collections::HashSet<String>>,
) -> PyResult<(usize, usize)> {
    let mut counts = (0, 0);
    py.detach(|| {
        store::update(&path, |timings| {
            let known = timings.len();
            if let Some(moment) = before {
                timings.prune(moment);
            }
            if let Some(nodeids) = &keep {
                timings.retain(|nodeid, _| nodeids.contains(nodeid));
            }
            counts = (known - timings.len(), timings.len());
        })
    })
    .map_err(store_error)?;
    Ok(counts)
}

fn as_dict<'py>(py: Python<'py>, entry: &Entry) -> PyResult<Bound<'py, PyDict>> {
    let fields = PyDict::new(py);
    fields.set_item("duration", entry.duration)?;
    fields.set_item("setup", entry.setup)?;
    fields.set_item("status", status_name(entry.status))?;
    fields.set_item("runs", entry.runs)?;
    fields.set_item("timestamp", entry.timestamp)?;
    fields.set_item("worker", entry.worker.as_deref())?;
    if entry.provisional {
        fields.set_item("provisional", true)?;
    }
    Ok(fields)
}

/// From seconds, or from a dict like that of [`as_dict`] of which only `duration` must be there.
fn as_entry(value: &Bound<'_, PyAny>) -> PyResult<Entry> {
    let Ok(fields) = value.cast::<PyDict>() else { return Ok(Entry::undated(value.extract()?)) };
    let status: Option<String> = field(fields, "status")?;
    Ok(Entry {
        duration: field(fields, "duration")?.ok_or_else(|| damaged_error(&Damaged::Duration(f64::NAN)))?,
        setup: field(fields, "setup")?.unwrap_or(0.0),
        status: match status {
            Some(name) => status_verdict(&name).ok_or_else(|| damaged_error(&Damaged::NotRun))?,
            None => Verdict::Passed,
        },
        runs: field(fields, "runs")?.unwrap_or(1),
        timestamp: field(fields, "timestamp")?,
        worker: field::<String>(fields, "worker")?.map(Into::into),
        provisional: field(fields, "provisional")?.unwrap_or(false),
    })
}

/// `None` when the field is missing or `None`.
fn field<T: for<'a> FromPyObject<'a, 'a, Error = PyErr>>(
    fields: &Bound<'_, PyDict>,
    name: &str,
) -> PyResult<Option<T>> {
    match fields.get_item(name)? {
        Some(value) if !value.is_none() => value.extract().map(Some),
        _ => Ok(None),
    }
}

fn named_format(name: &str) -> PyResult<Format> {
    match name {
        "json" => Ok(Format::Json),
        "csv" => Ok(Format::Csv),
        _ => Err(PyValueError::new_err(format!("{name:?} is no format for timings: expected \"json\" or \"csv\""))),
    }
}

fn damaged_error(damaged: &Damaged) -> PyErr {
    PyValueError::new_err(damaged.to_string())
}

/// `FileNotFoundError`, `PermissionError`, `TimeoutError` (the lock) and other `OSError`s for the place;
/// `ValueError` for the content.
fn store_error(error: StoreError) -> PyErr {
    let text = error.to_string();
    match error {
        StoreError::Missing { .. } => PyFileNotFoundError::new_err(text),
        StoreError::WorldWritable { .. } | StoreError::Link { .. } => PyPermissionError::new_err(text),
        StoreError::Io { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => {
            PyPermissionError::new_err(text)
        }
        StoreError::Io { .. } | StoreError::NotAFile { .. } => PyOSError::new_err(text),
        StoreError::Busy { .. } => PyTimeoutError::new_err(text),
        StoreError::TooLarge { .. }
        | StoreError::Syntax { .. }
        | StoreError::NoTimings { .. }
        | StoreError::Newer { .. } => PyValueError::new_err(text),
    }
}
