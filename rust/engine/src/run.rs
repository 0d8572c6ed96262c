//! The state of one run. Each kind of event has a short method of its own in one of the files below.

use std::time::Duration;

use crate::command::{Command, Ending};
use crate::event::Event;
use crate::ids::Slot;
use crate::policy::{Restarts, RunTime, Scale, Watch};
use crate::schedule::Plan;
use crate::suite::{Config, Limits, Suite, TestLimit};
use crate::verdict::Verdict;

mod clocks;
mod crew;
mod debuggers;
mod facts;
mod hand_out;
mod missing;
mod queue;
mod results;
mod stops;
mod suspects;
mod worker;
mod workers;

pub use facts::{Counts, PassedLimit, Running, Standing};

use debuggers::Debuggers;
use suspects::Suspect;
use worker::Worker;

/// One run: events in, commands out.
///
/// `now` is always the time since some fixed moment before [`Run::start`]; only differences count. A `now` that is
/// earlier than one seen before counts as that one. What a worker may say at the wrong moment is ignored.
#[derive(Clone, Debug)]
pub struct Run {
    config: Config,
    /// Each test's own limit.
    test_limits: Vec<Option<TestLimit>>,
    plan: Plan,
    verdicts: Vec<Option<Verdict>>,
    unsettled: usize,
    failures: u32,
    /// Tests that ended with their worker and may run again.
    suspects: Vec<Suspect>,
    workers: Vec<Worker>,
    restarts: Restarts,
    /// Whether tests may have become such as no worker has.
    seeks_missing: bool,
    /// How many workers there are to be, where that moves.
    scale: Option<Scale>,
    clock: Watch,
    /// Why nothing more is to start, if so.
    stop: Option<Ending>,
    interrupts: u32,
    started: bool,
    over: bool,
    debuggers: Debuggers,
    time: RunTime,
    /// [`RunTime::now`], which everything here reads.
    now: Duration,
    commands: Vec<Command>,
}

impl Run {
    /// Plan a run. Nothing happens before [`Run::start`].
    pub fn new(suite: Suite, config: Config) -> Self {
        Self {
            plan: Plan::new(&suite, &config),
            verdicts: vec![None; suite.tests.len()],
            unsettled: suite.tests.len(),
            test_limits: suite
                .tests
                .into_iter()
                .map(|test| test.limit.or(config.limits.test.map(TestLimit::own)))
                .collect(),
            workers: vec![Worker::default(); usize::from(config.workers.max(1))],
            restarts: Restarts::new(config.max_restarts),
            seeks_missing: false,
            scale: config.scaling.map(|bounds| Scale::new(bounds, config.workers)),
            clock: Watch::new(Duration::ZERO, None),
            failures: 0,
            suspects: Vec::new(),
            stop: None,
            interrupts: 0,
            started: false,
            over: false,
            debuggers: Debuggers::default(),
            time: RunTime::default(),
            now: Duration::ZERO,
            commands: Vec::new(),
            config,
        }
    }

    /// Begin: start as many workers as are of use, at most [`Config::workers`]. An empty suite is over at once.
    pub fn start(&mut self, now: Duration) -> Vec<Command> {
        if !self.started && !self.over {
            self.tell_time(now);
            self.started = true;
            self.clock = Watch::new(self.now, self.config.limits.run);
            self.fill_first_slots();
            self.end_if_done();
        }
        std::mem::take(&mut self.commands)
    }

    /// Take in what happened and say what is to be done, in this order. Deadlines that have passed are acted upon
    /// whatever the event.
    pub fn handle(&mut self, event: Event, now: Duration) -> Vec<Command> {
        if !self.over {
            if let Event::Gap { by } = event {
                self.time.lose(by);
            }
            self.tell_time(now);
            self.take_in(event);
            self.check_clocks();
            self.follow_up();
        }
        std::mem::take(&mut self.commands)
    }

    /// Whether [`Command::End`] was given.
    pub fn is_over(&self) -> bool {
        self.over
    }

    fn take_in(&mut self, event: Event) {
        match event {
            Event::WorkerReady { slot } => self.on_worker_ready(slot),
            Event::AlreadyStarted { slot } => self.on_already_started(slot),
            Event::Lacking { slot, tests } => self.on_lacking(slot, tests),
            Event::TestStarted { slot, test } => self.on_test_started(slot, test),
            Event::TestEnded { slot, test, verdict, failures, timing, set_ups } => {
                self.on_test_ended(slot, test, &results::Outcome { verdict, failures, timing, set_ups });
            }
            Event::NextWanted { slot, seen } => self.on_next_wanted(slot, seen),
            Event::Looked { slot, test, shared } => self.on_looked(slot, test, shared),
            Event::TakenBack { slot, left } => self.on_taken_back(slot, left),
            Event::ErrorBetweenTests { slot, failures } => self.on_error_between_tests(slot, failures),
            Event::WorkerFinished { slot } => self.on_worker_finished(slot),
            Event::WorkerDied { slot, death } => self.on_worker_died(slot, death),
            Event::Judged { test, again } => self.on_judged(test, again),
            Event::StartFailed { slot } => self.on_start_failed(slot),
            Event::StopAsked { slot, kind } => self.on_stop_asked(slot, kind),
            Event::StacksWritten { slot } => self.on_stacks_written(slot),
            Event::DebuggerWanted { slot } => self.on_debugger_wanted(slot),
            Event::DebuggerDone { slot } => self.on_debugger_done(slot),
            Event::StopOrdered => self.stop(Ending::Stopped),
            Event::Interrupted => self.on_interrupted(),
            Event::MemoryMeasured { slot, bytes } => self.on_memory_measured(slot, bytes),
            Event::LoadMeasured(load) => self.on_load_measured(&load),
            Event::Gap { .. } => self.look_at_tests(),
            Event::Tick => {}
        }
    }

    fn tell_time(&mut self, now: Duration) {
        self.time.tell(now);
        self.now = self.time.now();
    }

    /// What every event may have made possible.
    fn follow_up(&mut self) {
        self.give_up_missing_tests();
        self.wake_resting_workers();
        self.fill_slots();
        self.stop_without_workers();
        self.end_if_done();
    }

    fn end_if_done(&mut self) {
        let may_end = self.started || self.stop.is_some();
        if may_end && self.unsettled == 0 && self.workers.iter().all(|worker| !worker.is_alive()) {
            self.over = true;
            self.commands.push(Command::End(self.stop.unwrap_or(Ending::Completed)));
        }
    }

    fn limits(&self) -> Limits {
        self.config.limits
    }

    fn slots(&self) -> impl Iterator<Item = Slot> + use<> {
        (0..self.workers.len()).map(|index| Slot(index as u16))
    }

    fn worker(&self, slot: Slot) -> Option<&Worker> {
        self.workers.get(slot.index())
    }

    fn worker_mut(&mut self, slot: Slot) -> Option<&mut Worker> {
        self.workers.get_mut(slot.index())
    }
}
