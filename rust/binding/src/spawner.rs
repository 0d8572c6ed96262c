//! `_engine.Spawner` and `_engine.receive_birth`: workers that are processes of their own, from both sides.

use std::ffi::OsString;
use std::os::fd::{IntoRawFd, RawFd};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use host::process::{self, Part, Recipe};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::error::link_error;
use crate::value;
use crate::worker::{Page, owned};

/// Name and value of an environment variable, as bytes.
type Variable = (Vec<u8>, Vec<u8>);

/// What differs between workers: environment, instructions, and descriptors.
type SlotPart<'py> = (Vec<Variable>, Bound<'py, PyAny>, Vec<RawFd>);

/// Starts workers that collect by themselves.
#[pyclass(frozen, module = "pytest_concurrent._engine")]
pub(crate) struct Spawner(Mutex<Option<process::Spawner>>);

#[pymethods]
impl Spawner {
    #[new]
    #[pyo3(signature = (command, folder, environment, parts, *, page, lifeline, inherited))]
    fn new(
        command: (OsString, Vec<OsString>),
        folder: PathBuf,
        environment: Vec<Variable>,
        parts: Vec<SlotPart<'_>>,
        page: &Page,
        lifeline: RawFd,
        inherited: Vec<RawFd>,
    ) -> PyResult<Self> {
        let (program, arguments) = command;
        let lifeline = owned(lifeline);
        let inherited = inherited.into_iter().map(owned).collect();
        let parts = parts.into_iter().map(part).collect::<PyResult<_>>()?;
        let environment = environment.into_iter().map(variable).collect();
        let recipe = Recipe { program, arguments, folder, environment, parts, lifeline, inherited };
        Ok(Self(Mutex::new(Some(process::Spawner::new(recipe, Arc::clone(&page.0))))))
    }

    /// Starts a worker on every slot before anybody asks.
    fn start_early(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.with(process::Spawner::start_early))
    }

    /// Ends the workers that were started, when no supervisor has taken them over.
    fn dismiss(&self, py: Python<'_>) {
        drop(py.detach(|| self.0.lock().unwrap_or_else(PoisonError::into_inner).take()));
    }
}

impl Spawner {
    /// Hands it over.
    pub(crate) fn consume(&self) -> PyResult<process::Spawner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or_else(used_up)
    }

    fn with<T>(&self, act: impl FnOnce(&mut process::Spawner) -> T) -> PyResult<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut().map(act).ok_or_else(used_up)
    }
}

/// What a worker was given: slot, attempt, its own descriptors, the page, the lifeline, descriptors that others gave, and
/// what it was told.
type Born<'py> = (u16, u32, Vec<RawFd>, Page, RawFd, Vec<RawFd>, Bound<'py, PyAny>);

/// Reads what this process was started with; the socket is taken over.
#[pyfunction]
pub(crate) fn receive_birth(py: Python<'_>, descriptor: RawFd) -> PyResult<Born<'_>> {
    let born = host::link::receive_birth(&owned(descriptor)).map_err(link_error)?;
    let raw = |descriptors: Vec<_>| descriptors.into_iter().map(IntoRawFd::into_raw_fd).collect();
    let told = value::decode(py, &born.instructions)?;
    let (slot, attempt) = (born.birth.slot.0, born.birth.attempt);
    let (page, lifeline) = (Page(Arc::new(born.page)), born.lifeline.into_raw_fd());
    Ok((slot, attempt, raw(born.descriptors), page, lifeline, raw(born.inherited), told))
}

fn part((environment, instructions, inherited): SlotPart<'_>) -> PyResult<Part> {
    let environment = environment.into_iter().map(variable).collect();
    let inherited = inherited.into_iter().map(owned).collect();
    Ok(Part { environment, instructions: encoded(&instructions)?, inherited })
}

fn variable((name, value): Variable) -> (OsString, OsString) {
    (OsString::from_vec(name), OsString::from_vec(value))
}

/// Values that cannot travel become text, as in a report.
fn encoded(instructions: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    let mut bytes = Vec::new();
    value::encode(instructions, &mut bytes)?;
    Ok(bytes)
}

fn used_up() -> PyErr {
    PyRuntimeError::new_err("this spawner was dismissed, or handed to a supervisor")
}
