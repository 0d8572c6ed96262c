//! A run played by hand, event by event.

use std::time::Duration;

use engine::{Command, Config, Death, Event, Fixture, Run, Shared, Slot, Suite, Test, TestId, Timing, Verdict};

pub(crate) struct Hand {
    pub(crate) run: Run,
    /// What a look at any worker finds, by the time.
    pub(crate) shares: fn(Duration) -> Shared,
    now: Duration,
}

impl Hand {
    pub(crate) fn new(tests: Vec<Test>, config: Config) -> Self {
        Self::with_fixtures(tests, Vec::new(), config)
    }

    fn with_fixtures(tests: Vec<Test>, fixtures: Vec<Fixture>, config: Config) -> Self {
        let slots = tests.iter().flat_map(|test| &test.resources).map(|resource| resource.index() + 1).max();
        let suite = Suite { tests, fixtures, resources: vec![1; slots.unwrap_or(0)] };
        Self { run: Run::new(suite, config), shares: |_| Shared::default(), now: Duration::ZERO }
    }

    /// Start, and let all workers be ready.
    pub(crate) fn started(tests: Vec<Test>, config: Config) -> Self {
        Self::of(tests, Vec::new(), config)
    }

    /// The same with fixtures that tests share.
    pub(crate) fn of(tests: Vec<Test>, fixtures: Vec<Fixture>, config: Config) -> Self {
        let mut hand = Self::with_fixtures(tests, fixtures, config);
        for command in hand.start() {
            if let Command::StartWorker { slot } = command {
                hand.hear(Event::WorkerReady { slot });
            }
        }
        hand
    }

    pub(crate) fn start(&mut self) -> Vec<Command> {
        self.run.start(self.now)
    }

    pub(crate) fn hear(&mut self, event: Event) -> Vec<Command> {
        let mut commands = Vec::new();
        for command in self.run.handle(event, self.now) {
            match command {
                Command::Look { slot } => commands.extend(self.look(slot)),
                other => commands.push(other),
            }
        }
        commands
    }

    fn look(&mut self, slot: Slot) -> Vec<Command> {
        let shared = (self.shares)(self.now);
        let running = self.run.running().find(|running| running.slot == slot).map(|running| running.test);
        running.map(|test| self.hear(Event::Looked { slot, test, shared })).unwrap_or_default()
    }

    pub(crate) fn begins(&mut self, slot: u16, test: u32) -> Vec<Command> {
        self.hear(Event::TestStarted { slot: Slot(slot), test: TestId(test) })
    }

    pub(crate) fn ends(&mut self, slot: u16, test: u32, verdict: Verdict) -> Vec<Command> {
        let failures = u32::from(verdict != Verdict::Passed);
        self.ends_with(slot, test, verdict, failures)
    }

    pub(crate) fn ends_with(&mut self, slot: u16, test: u32, verdict: Verdict, failures: u32) -> Vec<Command> {
        let (slot, test, timing, set_ups) = (Slot(slot), TestId(test), Timing::default(), Vec::new());
        self.hear(Event::TestEnded { slot, test, verdict, failures, timing, set_ups })
    }

    pub(crate) fn asks(&mut self, slot: u16, seen: u32) -> Vec<Command> {
        self.hear(Event::NextWanted { slot: Slot(slot), seen })
    }

    pub(crate) fn gives_back(&mut self, slot: u16, left: u32) -> Vec<Command> {
        self.hear(Event::TakenBack { slot: Slot(slot), left })
    }

    pub(crate) fn dies(&mut self, slot: u16) -> Vec<Command> {
        self.hear(Event::WorkerDied { slot: Slot(slot), death: Death::Signaled(11) })
    }

    pub(crate) fn leaves(&mut self, slot: u16) -> Vec<Command> {
        self.hear(Event::WorkerDied { slot: Slot(slot), death: Death::Exited(0) })
    }

    /// Time passes, and at each deadline on the way there is a tick.
    pub(crate) fn wait(&mut self, seconds: f64) -> Vec<Command> {
        let until = self.now + Duration::from_secs_f64(seconds);
        let mut commands = Vec::new();
        while let Some(deadline) = self.run.next_deadline().filter(|deadline| *deadline <= until) {
            self.now = self.now.max(deadline);
            commands.extend(self.hear(Event::Tick));
        }
        self.now = until;
        commands
    }

    /// Time passes and nobody looks.
    pub(crate) fn stand_still(&mut self, seconds: f64) {
        self.now += Duration::from_secs_f64(seconds);
    }
}

pub(crate) fn run(slot: u16, tests: &[u32]) -> Command {
    Command::Run { slot: Slot(slot), tests: tests.iter().copied().map(TestId).collect() }
}

pub(crate) fn settle(test: u32, slot: impl Into<Option<u16>>, verdict: Verdict) -> Command {
    Command::Settle { test: TestId(test), slot: slot.into().map(Slot), verdict }
}

pub(crate) const G0: Slot = Slot(0);
pub(crate) const G1: Slot = Slot(1);
