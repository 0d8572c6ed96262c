//! Names, secrets and resources, for `pytest_concurrent.security`.
#![expect(clippy::needless_pass_by_value, reason = "PyO3 hands over what it extracts as owned values")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use engine::guard::{DatabaseName, Redaction};
use host::resources::Resources;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// The text without secrets: these, and what stands where secrets do.
#[pyfunction]
#[pyo3(signature = (text, secrets=Vec::new()))]
pub(crate) fn redact(text: &str, secrets: Vec<String>) -> String {
    Redaction::new(secrets).apply(text).into_owned()
}

/// The secrets among variables or settings: by their names, and within their values.
#[pyfunction]
pub(crate) fn secrets_in(variables: BTreeMap<String, String>) -> Vec<String> {
    engine::guard::secrets_in(variables.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

/// A name for a test database, made of any text.
#[pyfunction]
pub(crate) fn database_name(text: &str) -> PyResult<String> {
    DatabaseName::made_of(text).map(|name| name.to_string()).map_err(|error| PyValueError::new_err(error.to_string()))
}

/// What the machine has just now; bytes, and percent of all processors.
#[pyfunction]
pub(crate) fn system_resources(py: Python<'_>, folder: PathBuf) -> PyResult<Bound<'_, PyDict>> {
    let found = py.detach(|| Resources::look(&folder))?;
    let entries = PyDict::new(py);
    entries.set_item("processors", found.processors)?;
    entries.set_item("busy", found.busy)?;
    entries.set_item("memory_available", found.memory_available)?;
    entries.set_item("memory_total", found.memory_total)?;
    entries.set_item("disk_free", found.disk_free)?;
    Ok(entries)
}
