//! The process that owns every database client of a run.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::time::Duration;

use engine::Retries;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::worker::owned;

/// Is the keeper until everybody else is gone. The descriptor is taken over. What others are in the way of is tried
/// again `max_retries` times, the first time after about `retry_delay` seconds; with 0 no server that is away is waited for.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "PyO3 hands over what it extracts as owned values")]
pub(crate) fn keep(
    py: Python<'_>,
    door: RawFd,
    journals: PathBuf,
    run: String,
    max_retries: u32,
    retry_delay: f64,
) -> PyResult<()> {
    let delay = Duration::try_from_secs_f64(retry_delay).map_err(|error| PyValueError::new_err(error.to_string()))?;
    // Runs that fail together do not try again together.
    let retries = Retries { most: max_retries, delay, seed: RandomState::new().build_hasher().finish() };
    let door = owned(door);
    Ok(py.detach(|| databases::keeper::keep(&door, &journals, &run, retries))?)
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
