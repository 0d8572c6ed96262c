//! What the supervisor remembers of a run: the results for the timings, and the event stream for every report.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::Arc;
use std::time::Duration;

use engine::guard::Redaction;
use engine::wire::message::ToWorker;
use engine::{Death, Ending, FixtureId, Notice, Slot, TestId, Timing, Verdict};
use report::record::{NoticeKind, Record, RunStarted, TestFinished, VerdictCounts, What};

use crate::process::{End, Evidence};

/// What the numbers of a run are called.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Node ids, by test.
    pub tests: Vec<Arc<str>>,
    /// Keys of shared set-ups, by fixture.
    pub fixtures: Vec<Arc<str>>,
    /// Names of user's groups, by test.
    pub groups: Vec<Option<Arc<str>>>,
    /// Estimates in seconds, by test.
    pub estimates: Vec<Option<f64>>,
}

impl Names {
    /// What the numbers mean, for workers that collect by themselves.
    pub(super) fn suite(&self) -> ToWorker {
        let texts = |names: &[Arc<str>]| names.iter().map(ToString::to_string).collect();
        ToWorker::Suite { tests: texts(&self.tests), fixtures: texts(&self.fixtures) }
    }
}

/// What became of one test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TestResult {
    /// Which.
    pub test: TestId,
    /// Its verdict.
    pub verdict: Verdict,
    /// How long it took; zeros if nobody could say.
    pub timing: Timing,
    /// Where it ran.
    pub slot: Option<Slot>,
}

/// What is left of a run when the supervisor is done.
#[derive(Debug, Default)]
pub struct Outcome {
    /// One for each test.
    pub results: Vec<TestResult>,
    /// Shared set-ups that were done, in seconds.
    pub set_ups: Vec<(FixtureId, f64)>,
    /// The event stream, if it was to be kept.
    pub records: Vec<Record>,
    /// Why the events file is not whole.
    pub events_error: Option<std::io::Error>,
}

/// Where events go.
pub struct Journal {
    names: Names,
    workers: Vec<Arc<str>>,
    keep: bool,
    file: Option<BufWriter<File>>,
    redaction: Redaction,
    verdicts: VerdictCounts,
    outcome: Outcome,
}

impl Journal {
    /// A journal that keeps the stream in memory if `keep`, and writes it to `file` if there is one; what tests and
    /// workers wrote goes through `redaction` first.
    pub fn new(names: Names, slots: u16, keep: bool, file: Option<File>, redaction: Redaction) -> Self {
        Self {
            names,
            workers: (0..slots).map(|slot| Slot(slot).to_string().into()).collect(),
            keep,
            file: file.map(BufWriter::new),
            redaction,
            verdicts: VerdictCounts::default(),
            outcome: Outcome::default(),
        }
    }

    pub(super) fn run_started(&mut self, started: RunStarted) {
        self.note(Duration::ZERO, |_| What::RunStarted(started));
    }

    pub(super) fn worker_started(&mut self, now: Duration, slot: Slot, pid: i32, attempt: u32) {
        self.note(now, |journal| What::WorkerStarted {
            worker: journal.worker(slot),
            pid: pid.unsigned_abs(),
            attempt,
        });
    }

    pub(super) fn worker_ready(&mut self, now: Duration, slot: Slot) {
        self.note(now, |journal| What::WorkerReady { worker: journal.worker(slot) });
    }

    pub(super) fn test_started(&mut self, now: Duration, slot: Slot, test: TestId) {
        self.note(now, |journal| What::TestStarted { worker: journal.worker(slot), test: journal.test(test) });
    }

    pub(super) fn test_finished(&mut self, now: Duration, result: TestResult, failures: u32, message: &str) {
        self.verdicts.add(result.verdict);
        self.outcome.results.push(result);
        self.note(now, |journal| {
            What::TestFinished(TestFinished {
                worker: result.slot.map(|slot| journal.worker(slot)),
                test: journal.test(result.test),
                verdict: result.verdict,
                timing: result.timing,
                failures,
                message: (!message.is_empty()).then(|| journal.without_secrets(message)),
                estimate: journal.names.estimates.get(result.test.index()).copied().flatten(),
                group: journal.names.groups.get(result.test.index()).cloned().flatten(),
            })
        });
    }

    pub(super) fn fixture_set_up(&mut self, now: Duration, slot: Slot, fixture: FixtureId, seconds: f64) {
        let Some(key) = self.names.fixtures.get(fixture.index()).cloned() else { return };
        self.outcome.set_ups.push((fixture, seconds));
        self.note(now, |journal| What::FixtureSetUp { worker: journal.worker(slot), fixture: key, seconds });
    }

    pub(super) fn worker_gone(
        &mut self,
        now: Duration,
        slot: Slot,
        clean: bool,
        end: (Death, End),
        evidence: &Evidence,
        test: Option<TestId>,
    ) {
        let (death, end) = end;
        self.note(now, |journal| {
            let worker = journal.worker(slot);
            if clean {
                return What::WorkerFinished { worker, cpu: end.cpu, peak_memory: end.peak_memory };
            }
            let evidence = [&evidence.stacks, &evidence.output[1]].into_iter().find(|text| !text.is_empty());
            What::WorkerDied {
                worker,
                death,
                test: test.map(|test| journal.test(test)),
                evidence: evidence.map(|text| journal.without_secrets(text)),
                cpu: end.cpu,
                peak_memory: end.peak_memory,
            }
        });
    }

    pub(super) fn error_between_tests(&mut self, now: Duration, slot: Slot, message: &str) {
        self.note(now, |journal| What::ErrorBetweenTests {
            worker: journal.worker(slot),
            message: journal.without_secrets(message),
        });
    }

    pub(super) fn notice(&mut self, now: Duration, notice: &Notice, doing: &str) {
        self.note(now, |journal| journal.noticed(notice, doing));
    }

    fn noticed(&self, notice: &Notice, doing: &str) -> What {
        match *notice {
            Notice::Slow { slot, test, elapsed } => self.late(NoticeKind::Slow, Some(slot), Some(test), elapsed, None),
            Notice::TestNearLimit { slot, test, elapsed, limit } => {
                self.late(NoticeKind::TestNearLimit, Some(slot), Some(test), elapsed, Some(limit))
            }
            Notice::RunNearLimit { elapsed, limit } => {
                self.late(NoticeKind::RunNearLimit, None, None, elapsed, Some(limit))
            }
            Notice::WorkerNearLimit { slot, test, elapsed, limit } => What::Notice {
                kind: NoticeKind::WorkerNearLimit,
                worker: Some(self.worker(slot)),
                test: test.map(|test| self.test(test)),
                doing: (!doing.is_empty()).then(|| doing.into()),
                elapsed: elapsed.as_secs_f64(),
                limit: Some(limit.as_secs_f64()),
            },
            Notice::Recycled { slot, cause, tests, memory } => {
                let memory = Some(memory).filter(|memory| *memory > 0);
                What::WorkerRecycled { worker: self.worker(slot), cause, tests, memory }
            }
            Notice::Retry { slot, cause, attempt, delay } => {
                What::WorkerRetried { worker: self.worker(slot), cause, attempt, delay: delay.as_secs_f64() }
            }
            Notice::GivenUp { slot, cause, attempts } => {
                What::WorkerGivenUp { worker: self.worker(slot), cause, attempts }
            }
            Notice::Scaled { workers, cause } => What::WorkersScaled { workers: workers.into(), cause },
        }
    }

    fn late(
        &self,
        kind: NoticeKind,
        slot: Option<Slot>,
        test: Option<TestId>,
        elapsed: Duration,
        limit: Option<Duration>,
    ) -> What {
        What::Notice {
            kind,
            worker: slot.map(|slot| self.worker(slot)),
            test: test.map(|test| self.test(test)),
            doing: None,
            elapsed: elapsed.as_secs_f64(),
            limit: limit.map(|limit| limit.as_secs_f64()),
        }
    }

    pub(super) fn run_finished(mut self, now: Duration, ending: Ending) -> Outcome {
        let verdicts = self.verdicts;
        self.note(now, |_| What::RunFinished { ending, exit_code: None, verdicts });
        self.flush();
        self.outcome
    }

    /// Writes what was buffered, so that the file is never far behind. The first failure ends the writing.
    pub(super) fn flush(&mut self) {
        if let Some(file) = &mut self.file
            && let Err(error) = file.flush()
        {
            self.give_up(error);
        }
    }

    fn note(&mut self, now: Duration, what: impl FnOnce(&Self) -> What) {
        if !self.keep && self.file.is_none() {
            return;
        }
        let record = Record { time: now.as_secs_f64(), what: what(self) };
        if let Some(file) = &mut self.file
            && let Err(error) = writeln!(file, "{}", record.to_line())
        {
            self.give_up(error);
        }
        if self.keep {
            self.outcome.records.push(record);
        }
    }

    fn give_up(&mut self, error: std::io::Error) {
        if let Some(file) = self.file.take() {
            let _ = file.into_parts();
        }
        self.outcome.events_error = Some(error);
    }

    fn without_secrets(&self, text: &str) -> Box<str> {
        self.redaction.apply(text).into()
    }

    fn worker(&self, slot: Slot) -> Arc<str> {
        self.workers.get(slot.index()).cloned().unwrap_or_else(|| slot.to_string().into())
    }

    fn test(&self, test: TestId) -> Arc<str> {
        self.names.tests.get(test.index()).cloned().unwrap_or_default()
    }
}
