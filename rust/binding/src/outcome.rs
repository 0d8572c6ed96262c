//! `_engine.Outcome`: what is left of a run, for timings and reports.

use engine::Verdict;
use engine::history::Measurement;
use host::supervisor::{self, Names};
use pyo3::prelude::*;
use report::Benchmark;

use crate::history::History;

/// What is left of a run when its supervisor is done.
#[pyclass(frozen, module = "pytest_concurrent._engine")]
pub(crate) struct Outcome {
    run: supervisor::Outcome,
    names: Names,
    began: f64,
}

#[pymethods]
impl Outcome {
    /// Adds what was measured to the history.
    fn record(&self, history: &History) {
        let mut history = history.lock();
        for result in self.run.results.iter().filter(|result| result.verdict != Verdict::NotRun) {
            let Some(nodeid) = self.names.tests.get(result.test.index()) else { continue };
            let run = Measurement {
                verdict: result.verdict,
                duration: result.timing.own(),
                setup: result.timing.setup,
                timestamp: self.began + result.timing.start + result.timing.total(),
                worker: result.slot.map(|slot| slot.to_string().into()),
                with_shared: false,
            };
            // A number that is no timing says nothing about the test; the next run measures again.
            let _ = history.record(nodeid, run);
        }
        for (fixture, seconds) in &self.run.set_ups {
            if let Some(key) = self.names.fixtures.get(fixture.index()) {
                let _ = history.record_fixture(key, *seconds, self.began);
            }
        }
    }

    /// The benchmark report as lines of text. Empty unless records were kept.
    fn benchmark_lines(&self) -> Vec<String> {
        if self.run.records.is_empty() { Vec::new() } else { self.summarise().render() }
    }

    /// The benchmark report as JSON.
    fn benchmark_json(&self) -> String {
        self.summarise().to_json()
    }

    /// Why the events file is not whole; `None` if it is, or was not asked for.
    #[getter]
    fn events_error(&self) -> Option<String> {
        self.run.events_error.as_ref().map(ToString::to_string)
    }
}

impl Outcome {
    pub(crate) fn new(run: supervisor::Outcome, names: Names, began: f64) -> Self {
        Self { run, names, began }
    }

    fn summarise(&self) -> Benchmark {
        report::summarise(&self.run.records)
    }
}
