//! The process that owns every database client of a run.

use std::os::fd::RawFd;
use std::path::PathBuf;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::worker::owned;

/// Is the keeper until everybody else is gone. The descriptor is taken over.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "PyO3 hands over what it extracts as owned values")]
pub(crate) fn keep(py: Python<'_>, door: RawFd, journals: PathBuf, run: String) -> PyResult<()> {
    let door = owned(door);
    Ok(py.detach(|| databases::keeper::keep(&door, &journals, &run))?)
}

/// The statement whose one value tells servers apart; empty where there is no server.
#[pyfunction]
pub(crate) fn database_identity_sql(vendor: &str) -> PyResult<&'static str> {
    match vendor {
        "postgresql" => Ok(databases::postgres::IDENTITY),
        "mysql" => Ok(databases::mysql::IDENTITY),
        "sqlite" => Ok(""),
        _ => Err(PyValueError::new_err(format!("{vendor:?} is no kind of database that is known"))),
    }
}
