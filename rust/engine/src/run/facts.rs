//! What reports and the live display ask.

use std::time::Duration;

use crate::command::Ending;
use crate::ids::{Slot, TestId};
use crate::run::Run;
use crate::run::worker::Phase;
use crate::run::workers;
use crate::schedule::Outlook;
use crate::verdict::Verdict;

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tests of the suite.
    pub tests: usize,
    /// Tests that have their verdict.
    pub settled: usize,
    /// Tests that run now.
    pub running: usize,
    /// Failed reports so far, crashes and timeouts included.
    pub failures: u32,
    /// Workers that were replaced so far.
    pub restarts: u32,
    /// Workers that are alive now.
    pub workers: usize,
}

/// A test in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Running {
    /// Where.
    pub slot: Slot,
    /// Which.
    pub test: TestId,
    /// When it began, on the clock of `now`; standstills are taken out.
    pub since: Duration,
    /// How long it is thought to take.
    pub estimate: Duration,
}

/// The limit for which a worker is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassedLimit {
    /// Its test's.
    Test,
    /// Its own: it started, tore down, or was at something that tests share, for too long.
    Worker,
    /// That of the run.
    Run,
}

/// What the worker on a slot is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There is none.
    Vacant,
    /// It was asked for and is not ready yet.
    Starting,
    /// It runs this test.
    Testing(TestId),
    /// A debugger has stopped it, or wants to.
    Debugging,
    /// It has nothing to run for now.
    Waiting,
    /// It has been given tests and is on its way to the next one.
    BetweenTests,
    /// It tears down what is left and goes.
    Leaving,
}

impl Run {
    /// What the worker on this slot is about.
    pub fn standing(&self, slot: Slot) -> Standing {
        let Some(worker) = self.worker(slot) else { return Standing::Vacant };
        match (&worker.running, worker.phase) {
            _ if self.is_debugging(slot) => Standing::Debugging,
            (Some(running), _) => Standing::Testing(running.test),
            (None, Phase::Vacant) => Standing::Vacant,
            (None, Phase::Starting) => Standing::Starting,
            (None, Phase::Working) if worker.is_empty() => Standing::Waiting,
            (None, Phase::Working) => Standing::BetweenTests,
            (None, Phase::Finishing | Phase::Finished) => Standing::Leaving,
        }
    }

    /// The limit for which the worker on this slot is being ended, if it is one.
    pub fn passed_limit(&self, slot: Slot) -> Option<PassedLimit> {
        self.worker(slot)?.escalation.as_ref().and_then(workers::passed)
    }

    /// What the plan promises. Before [`Run::start`] it speaks of the whole suite, later of what was not handed out.
    pub fn outlook(&self) -> Outlook {
        self.plan.outlook()
    }

    /// How far the run is.
    pub fn counts(&self) -> Counts {
        Counts {
            tests: self.verdicts.len(),
            settled: self.verdicts.len() - self.unsettled,
            running: self.running().count(),
            failures: self.failures,
            restarts: self.restarts.spent(),
            workers: self.workers.iter().filter(|worker| worker.is_alive()).count(),
        }
    }

    /// The tests that run now, by slot.
    pub fn running(&self) -> impl Iterator<Item = Running> {
        self.slots().filter_map(|slot| {
            let running = self.worker(slot)?.running.as_ref()?;
            Some(Running {
                slot,
                test: running.test,
                since: self.time.since(running.clock.since()),
                estimate: running.estimate,
            })
        })
    }

    /// Whether this worker may say that this test begins: it is next of what it was handed. What else it says is not
    /// believed.
    pub fn may_begin(&self, slot: Slot, test: TestId) -> bool {
        self.worker(slot).is_some_and(|worker| {
            worker.running.is_none() && !worker.is_being_ended() && worker.queue.next() == Some(test)
        })
    }

    /// Whether this worker may say that this test has ended: it runs there.
    pub fn may_end(&self, slot: Slot, test: TestId) -> bool {
        self.worker(slot).is_some_and(|worker| {
            !worker.is_being_ended() && worker.running.as_ref().is_some_and(|running| running.test == test)
        })
    }

    /// Whether this worker may say that it did not find this test: there is one, and it has not begun to run any.
    pub fn may_lack(&self, slot: Slot, test: TestId) -> bool {
        test.index() < self.verdicts.len() && self.worker(slot).is_some_and(|worker| worker.phase == Phase::Starting)
    }

    /// A test's verdict, once it has one.
    pub fn verdict(&self, test: TestId) -> Option<Verdict> {
        self.verdicts.get(test.index()).copied().flatten()
    }

    /// How long a test is thought to take: its estimate, else what tests near it usually take; zero for no such test.
    pub fn estimate(&self, test: TestId) -> Duration {
        if test.index() < self.verdicts.len() { self.plan.estimate(test) } else { Duration::ZERO }
    }

    /// The estimated time from now to the end: what was handed out and what was not, spread over the workers.
    pub fn time_left(&self) -> Duration {
        let busy = self.workers.iter().map(|worker| worker.busy_time(self.now));
        let longest = busy.clone().max().unwrap_or_default();
        let all = busy.sum::<Duration>() + self.plan.time_left();
        longest.max(all / self.crew_limit().max(1) as u32)
    }

    /// Why nothing more starts, if so.
    pub fn stopping(&self) -> Option<Ending> {
        self.stop
    }
}
