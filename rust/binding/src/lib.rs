//! Translates: the only crate that names Python. It becomes `pytest_concurrent._engine`; `_engine.pyi` documents it.

mod error;
mod guard;
mod history;
mod keeper;
mod message;
mod outcome;
mod plan;
mod reports;
mod spawner;
mod supervisor;
mod value;
mod worker;

use pyo3::prelude::*;

/// The engine of pytest-concurrent.
#[pymodule]
mod _engine {
    #[pymodule_export]
    use super::guard::{database_name, redact, secrets_in, system_resources};
    #[pymodule_export]
    use super::history::{History, merge_timing_files, prune_timing_file, read_timings, write_timings};
    #[pymodule_export]
    use super::keeper::{database_identity_sql, keep};
    #[pymodule_export]
    use super::message::{Evidence, WorkerStatus};
    #[pymodule_export]
    use super::outcome::Outcome;
    #[pymodule_export]
    use super::plan::Plan;
    #[pymodule_export]
    use super::reports::{benchmark, compare};
    #[pymodule_export]
    use super::spawner::{Spawner, receive_birth};
    #[pymodule_export]
    use super::supervisor::Supervisor;
    #[pymodule_export]
    use super::worker::{Page, WorkerLink, ZygoteLink};
    #[pymodule_export]
    use super::{advise_workers, give_back_memory, stacks_signal, version, worker_bounds};
}

/// How many workers are useful on this machine for so many groups, and what sets the bound.
#[pyfunction]
#[pyo3(signature = (groups, memory_per_worker=None))]
fn advise_workers(groups: usize, memory_per_worker: Option<u64>) -> (usize, String) {
    let memory = memory_per_worker.unwrap_or(host::sense::MEMORY_PER_WORKER);
    let advice = host::sense::Machine::sense().advise(groups, memory);
    (advice.workers, advice.reason)
}

/// What bounds that number, each with a phrase for people.
#[pyfunction]
#[pyo3(signature = (groups, memory_per_worker=None))]
fn worker_bounds(groups: usize, memory_per_worker: Option<u64>) -> Vec<(usize, String)> {
    let memory = memory_per_worker.unwrap_or(host::sense::MEMORY_PER_WORKER);
    host::sense::Machine::sense().bounds(groups, memory).into()
}

/// The number of the signal at which a worker writes the stacks of its threads.
#[pyfunction]
fn stacks_signal() -> i32 {
    host::process::stacks_signal()
}

/// Gives memory that is free back to the system.
#[pyfunction]
fn give_back_memory() {
    host::heap::give_back();
}

/// The version of the engine, which is the version of the distribution.
#[pyfunction]
fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
