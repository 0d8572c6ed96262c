//! Watches a simulated run and fails at once when a rule is broken.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use engine::{
    Command, Config, Ending, Event, FixtureSetUp, GroupId, Notice, RecycleCause, Slot, Suite, TestId, Verdict,
};

pub(crate) struct Monitor {
    suite: Suite,
    config: Config,
    pub(crate) verdicts: HashMap<TestId, Verdict>,
    pub(crate) ending: Option<Ending>,
    pub(crate) commands: Vec<Command>,
    pub(crate) begun: Vec<TestId>,
    /// When the last test was over and the run had ended.
    pub(crate) ended_at: Duration,
    /// Set-ups that a worker did and has not told.
    pub(crate) pending_set_ups: Vec<Vec<FixtureSetUp>>,
    running: HashMap<TestId, u64>,
    /// The process on which a group was seen last, its last test, and how many it has left.
    groups: HashMap<GroupId, (u64, TestId, usize)>,
    over: HashSet<TestId>,
    dead: HashSet<u64>,
    /// Tests that run again after their worker died; the rest of their group may have gone on.
    again: HashSet<TestId>,
    /// Slots on which a worker was lost since its last start.
    lost: HashSet<Slot>,
    finishing: HashSet<Slot>,
    finished: HashSet<Slot>,
    pub(crate) replacements: u32,
    /// Workers that made room for fresh ones.
    pub(crate) recycled: u32,
    /// How many tests each process has begun.
    pub(crate) begun_on: HashMap<u64, u32>,
    /// Slots whose worker was started and not told to leave, and how many there may be.
    crew: HashSet<Slot>,
    crew_limit: u16,
    workers_differ: bool,
    /// Set-ups done by all workers.
    pub(crate) set_ups: usize,
    failures: u32,
    pub(crate) stopped: bool,
    /// Who has the terminal.
    debugged: Option<Slot>,
    /// Nothing may be done because of the time.
    stands_still: bool,
    /// How often the terminal was lent.
    pub(crate) lent: usize,
}

impl Monitor {
    pub(crate) fn new(suite: &Suite, config: &Config) -> Self {
        Self {
            suite: suite.clone(),
            config: config.clone(),
            verdicts: HashMap::new(),
            ending: None,
            commands: Vec::new(),
            begun: Vec::new(),
            ended_at: Duration::ZERO,
            pending_set_ups: vec![Vec::new(); usize::from(config.workers)],
            running: HashMap::new(),
            groups: HashMap::new(),
            over: HashSet::new(),
            dead: HashSet::new(),
            again: HashSet::new(),
            lost: HashSet::new(),
            finishing: HashSet::new(),
            finished: HashSet::new(),
            replacements: 0,
            recycled: 0,
            begun_on: HashMap::new(),
            crew: HashSet::new(),
            crew_limit: config.scaling.map_or(config.workers, |bounds| {
                bounds.first.clamp(bounds.least.clamp(1, config.workers), config.workers)
            }),
            workers_differ: false,
            set_ups: 0,
            failures: 0,
            stopped: false,
            debugged: None,
            stands_still: false,
            lent: 0,
        }
    }

    /// Something that the engine is about to hear.
    pub(crate) fn event(&mut self, event: &Event) {
        if let Event::WorkerDied { slot, .. } | Event::StartFailed { slot } = event {
            self.crew.remove(slot);
        }
        match event {
            Event::WorkerFinished { slot } if self.finishing.contains(slot) => {
                self.finished.insert(*slot);
            }
            Event::WorkerDied { slot, .. } if !self.finished.contains(slot) => {
                self.lost.insert(*slot);
            }
            Event::Interrupted => self.stands_still = false,
            // Every slot may be needed to find somebody who has a test.
            Event::Lacking { .. } => self.workers_differ = true,
            Event::StartFailed { slot } => {
                self.lost.insert(*slot);
            }
            Event::Judged { test, again: true } => {
                self.again.insert(*test);
            }
            _ => {}
        }
    }

    /// Something that the engine said.
    pub(crate) fn command(&mut self, command: &Command, now: Duration) {
        assert!(self.ending.is_none(), "{command:?} after the end");
        self.commands.push(command.clone());
        match command {
            Command::Settle { test, slot, verdict } => {
                self.settle(*test, *verdict);
                if slot.is_none() && *verdict == Verdict::Error {
                    // Nobody has it: its group goes on without it.
                    self.over(*test);
                }
            }
            Command::StartWorker { slot } => self.start(*slot),
            Command::Run { slot, tests } => {
                assert!(self.debugged.is_none_or(|other| other == *slot), "{slot} gets tests during a debugger");
                self.run(tests);
            }
            Command::LendTerminal { slot } => self.lend(*slot),
            Command::ReclaimTerminal { slot } => {
                assert_eq!(self.debugged.take(), Some(*slot), "the terminal comes back from another");
                self.stands_still = false;
            }
            Command::DumpStacks { .. }
            | Command::Interrupt { .. }
            | Command::Terminate { .. }
            | Command::Kill { .. } => assert!(!self.stands_still, "{command:?} during a debugger"),
            Command::Finish { slot } => {
                self.finishing.insert(*slot);
                self.crew.remove(slot);
            }
            Command::Tell(notice) => self.notice(notice),
            Command::End(ending) => (self.ending, self.ended_at) = (Some(*ending), now),
            _ => {}
        }
    }

    /// A worker begins a test.
    pub(crate) fn begin(&mut self, test: TestId, process: u64) {
        assert!(!self.stopped, "{test:?} starts after the last failure that was allowed");
        assert!(!self.verdicts.contains_key(&test), "{test:?} starts after its verdict");
        self.running.insert(test, process);
        self.begun.push(test);
        *self.begun_on.entry(process).or_default() += 1;
        if !self.again.contains(&test) {
            self.check_group(test, process);
        }
        self.check_serial();
        self.check_resources();
    }

    pub(crate) fn over(&mut self, test: TestId) {
        self.running.remove(&test);
        self.over.insert(test);
        if let Some(group) = self.suite.tests[test.index()].group {
            let left = self.left_in_group(group);
            self.groups.entry(group).and_modify(|(.., before)| *before = left);
        }
    }

    /// A worker does as it was told and leaves: no group may be left half done.
    pub(crate) fn leaves(&self, process: u64) {
        let open = self.groups.values().find(|(on, _, left)| *on == process && *left > 0);
        assert!(open.is_none(), "a worker leaves amid its group: {open:?}");
    }

    pub(crate) fn died(&mut self, process: u64) {
        self.dead.insert(process);
    }

    /// The run is over.
    pub(crate) fn end(&mut self, now: Duration) {
        self.ended_at = now;
        assert_eq!(self.verdicts.len(), self.suite.tests.len(), "tests without a verdict");
        assert!(self.running.is_empty(), "tests run after the end: {:?}", self.running);
        assert!(self.replacements <= self.config.max_restarts, "{} replacements", self.replacements);
    }

    pub(crate) fn count(&self, verdict: Verdict) -> usize {
        self.verdicts.values().filter(|other| **other == verdict).count()
    }

    fn settle(&mut self, test: TestId, verdict: Verdict) {
        let before = self.verdicts.insert(test, verdict);
        assert_eq!(before, None, "{test:?} has two verdicts");
        let failed = matches!(verdict, Verdict::Failed | Verdict::Error | Verdict::Crashed | Verdict::Timeout);
        self.failures += u32::from(failed);
    }

    /// Called when all commands of one event were performed.
    pub(crate) fn settled(&mut self) {
        self.stopped |= self.config.max_failures.is_some_and(|most| self.failures >= most);
    }

    fn lend(&mut self, slot: Slot) {
        assert_eq!(self.debugged.replace(slot), None, "two have the terminal");
        (self.stands_still, self.lent) = (true, self.lent + 1);
    }

    fn notice(&mut self, notice: &Notice) {
        match *notice {
            Notice::Recycled { cause, tests, .. } => {
                let enough = if cause == RecycleCause::Tests { self.config.recycling.tests.unwrap_or(0) } else { 1 };
                assert!(tests >= enough.max(1), "a worker is recycled after {tests} tests");
                self.recycled += 1;
            }
            // What is tried again costs nothing of the budget.
            Notice::Retry { slot, attempt, .. } => {
                assert!(attempt <= self.config.retries.most, "retry {attempt} on {slot}");
                self.lost.remove(&slot);
            }
            Notice::GivenUp { .. } => {}
            Notice::Scaled { workers, .. } => self.crew_limit = workers,
            _ => assert!(!self.stands_still, "{notice:?} during a debugger"),
        }
    }

    fn start(&mut self, slot: Slot) {
        assert_eq!(self.debugged, None, "a worker starts during a debugger");
        self.crew.insert(slot);
        let fits = self.workers_differ || self.crew.len() <= usize::from(self.crew_limit);
        assert!(fits, "{:?}, at most {}", self.crew, self.crew_limit);
        self.replacements += u32::from(self.lost.remove(&slot));
        self.finishing.remove(&slot);
        self.finished.remove(&slot);
    }

    fn run(&mut self, tests: &[TestId]) {
        assert!(!tests.is_empty(), "an empty batch");
        assert!(!tests.iter().any(|test| self.verdicts.contains_key(test)), "a settled test is handed out");
    }

    fn check_serial(&self) {
        let serial = self.running.keys().any(|test| self.needs(*test).0);
        assert!(!serial || self.running.len() == 1, "a serial test overlaps {:?}", self.running);
    }

    /// A test holds its resources while it runs, a group from its first test to its last or to its worker's death.
    fn check_resources(&self) {
        let single = |test: &&TestId| self.suite.tests[test.index()].group.is_none();
        let open = |(process, _, left): &&(u64, TestId, usize)| *left > 0 && !self.dead.contains(process);
        let groups = self.groups.values().filter(open).map(|(_, last, _)| last);
        let mut held: HashMap<u32, u32> = HashMap::new();
        for test in self.running.keys().filter(single).chain(groups) {
            for resource in self.needs(*test).1 {
                *held.entry(resource).or_default() += 1;
            }
        }
        for (resource, users) in held {
            assert!(users <= self.suite.resources[resource as usize], "resource {resource} is held by {users}");
        }
    }

    /// Whether a test, or its group, is serial, and which resources it, or its group, needs.
    fn needs(&self, test: TestId) -> (bool, HashSet<u32>) {
        let own = &self.suite.tests[test.index()];
        let together = self.suite.tests.iter().filter(|other| own.group.is_some() && other.group == own.group);
        let all: Vec<_> = together.chain([own]).collect();
        let resources = all.iter().flat_map(|test| &test.resources).map(|resource| resource.0);
        (all.iter().any(|test| test.serial), resources.collect())
    }

    /// How many tests of a group are without a verdict.
    fn left_in_group(&self, group: GroupId) -> usize {
        let tests = self.suite.tests.iter().enumerate().filter(|(_, test)| test.group == Some(group));
        tests.filter(|(index, _)| !self.over.contains(&TestId(*index as u32))).count()
    }

    /// A group goes on where it was, in order, unless its worker is dead.
    fn check_group(&mut self, test: TestId, process: u64) {
        let Some(group) = self.suite.tests[test.index()].group else { return };
        let left = self.left_in_group(group);
        if let Some((on, last, _)) = self.groups.insert(group, (process, test, left)) {
            assert!(on == process || self.dead.contains(&on), "{group:?} is split");
            assert!(last < test || self.dead.contains(&on), "{group:?} is out of order: {test:?} after {last:?}");
        }
    }
}
