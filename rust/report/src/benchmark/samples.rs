//! Event streams for the tests of this folder.

use std::sync::Arc;

use engine::{Ending, Timing, Verdict};

use crate::record::{Record, RunStarted, TestFinished, VerdictCounts, What};

/// Two workers, four tests, a fixture that both set up; 4 s from start to end.
///
/// gw0: one 1 s, with 0.5 s of the shared fixture before it; two 0.5 s, failed. Idle from 2 s.
/// gw1: three 3 s, with 0.5 s of the shared fixture. One more test did not run.
pub(super) fn two_workers() -> Vec<Record> {
    vec![
        run_started(2),
        worker_started(0.0, "gw0"),
        worker_started(0.0, "gw1"),
        fixture(0.5, "gw0", "db", 0.5),
        fixture(0.5, "gw1", "db", 0.5),
        finished("gw0", "test_a.py::test_one", Verdict::Passed, timing(0.0, 1.0, 0.5)),
        finished("gw0", "test_a.py::test_two", Verdict::Failed, timing(1.5, 0.5, 0.0)),
        finished("gw1", "test_b.py::test_three", Verdict::Passed, timing(0.0, 3.0, 0.5)),
        not_run("test_b.py::test_four"),
        worker_finished(3.8, "gw0", 1.5, 100),
        worker_finished(3.9, "gw1", 3.0, 200),
        run_finished(4.0),
    ]
}

pub(super) fn run_started(workers: u32) -> Record {
    let versions = [("pytest".to_owned(), "9.2.0".to_owned())].into();
    at(
        0.0,
        What::RunStarted(RunStarted {
            schema: 1,
            run_id: "r1".into(),
            started_at: 1_700_000_000.0,
            tests: 4,
            workers,
            workers_reason: "2 cores allowed by affinity".into(),
            first_workers: None,
            start_method: "fork".into(),
            estimate: None,
            bound: None,
            versions,
        }),
    )
}

pub(super) fn run_finished(time: f64) -> Record {
    let verdicts = VerdictCounts::default();
    at(time, What::RunFinished { ending: Ending::Completed, exit_code: Some(0), verdicts })
}

pub(super) fn finished(worker: &str, test: &str, verdict: Verdict, timing: Timing) -> Record {
    let worker = Some(worker.into());
    at(timing.start + timing.total(), What::TestFinished(ended(worker, test, verdict, timing)))
}

pub(super) fn grouped(worker: &str, test: &str, group: &str, timing: Timing) -> Record {
    let ended = ended(Some(worker.into()), test, Verdict::Passed, timing);
    let what = What::TestFinished(TestFinished { group: Some(group.into()), ..ended });
    at(timing.start + timing.total(), what)
}

pub(super) fn timing(start: f64, call: f64, shared: f64) -> Timing {
    Timing { start, setup: 0.0, call, teardown: 0.0, shared }
}

pub(super) fn fixture(time: f64, worker: &str, fixture: &str, seconds: f64) -> Record {
    at(time, What::FixtureSetUp { worker: worker.into(), fixture: fixture.into(), seconds })
}

pub(super) fn worker_started(time: f64, worker: &str) -> Record {
    at(time, What::WorkerStarted { worker: worker.into(), pid: 1, attempt: 1 })
}

fn worker_finished(time: f64, worker: &str, cpu: f64, peak_memory: u64) -> Record {
    at(time, What::WorkerFinished { worker: worker.into(), cpu, peak_memory })
}

fn not_run(test: &str) -> Record {
    at(4.0, What::TestFinished(ended(None, test, Verdict::NotRun, Timing::default())))
}

fn ended(worker: Option<Arc<str>>, test: &str, verdict: Verdict, timing: Timing) -> TestFinished {
    TestFinished { worker, test: test.into(), verdict, timing, failures: 0, message: None, estimate: None, group: None }
}

fn at(time: f64, what: What) -> Record {
    Record { time, what }
}
