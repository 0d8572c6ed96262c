//! The functions beneath `python -m pytest_concurrent report` and `compare`: reports of earlier runs, read again.

use std::error::Error;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use report::{LoadError, Tolerance};

/// The figures of a benchmark report or of events: as JSON, and as lines.
#[pyfunction]
pub(crate) fn benchmark(py: Python<'_>, report: &[u8]) -> PyResult<(String, Vec<String>)> {
    let benchmark = py.detach(|| report::load(report)).map_err(|error| load_error(&error))?;
    Ok((benchmark.to_json(), benchmark.render()))
}

/// Whether the later run is slower past both tolerances, and the lines that say so.
#[pyfunction]
pub(crate) fn compare(
    py: Python<'_>,
    before: &[u8],
    after: &[u8],
    share: f64,
    seconds: f64,
) -> PyResult<(bool, Vec<String>)> {
    let comparison = py
        .detach(|| {
            let (before, after) = (report::load(before)?, report::load(after)?);
            Ok(report::compare(&before, &after, Tolerance { share, seconds }))
        })
        .map_err(|error| load_error(&error))?;
    Ok((comparison.is_worse(), comparison.render()))
}

/// `ValueError` with what the parser said, if it was asked.
fn load_error(error: &LoadError) -> PyErr {
    match error.source() {
        Some(source) => PyValueError::new_err(format!("{error} ({source})")),
        None => PyValueError::new_err(error.to_string()),
    }
}
