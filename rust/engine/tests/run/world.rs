//! An in-memory world: workers, messages with delays, a virtual clock. It performs what the engine commands.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};
use std::time::Duration;

use engine::{
    Command, Config, Death, Event, FixtureId, FixtureSetUp, Run, Shared, Slot, StopKind, Suite, TestId, Timing, Verdict,
};

use crate::chance::Chance;
use crate::monitor::Monitor;
use crate::process::{Order, Process, State};
use crate::suites::LARGE;
pub(crate) use crate::weather::{Truth, Weather};

#[derive(Clone, Debug)]
enum Action {
    Say(Option<u64>, Event),
    Arrive(u64, Order),
    Step(u64, u64),
    Kill(u64),
    Interrupt,
    KillSomebody,
    Tick,
}

pub(crate) struct World {
    suite: Suite,
    truth: Truth,
    weather: Weather,
    run: Run,
    monitor: Monitor,
    chance: Chance,
    agenda: BinaryHeap<Reverse<(Duration, u64)>>,
    actions: HashMap<u64, Action>,
    counter: u64,
    processes: Vec<Process>,
    on_slot: HashMap<Slot, u64>,
    /// Messages of one process, and commands to it, do not overtake each other.
    said_at: HashMap<u64, Duration>,
    arrived_at: HashMap<u64, Duration>,
    now: Duration,
    next_tick: Option<Duration>,
}

/// More events than any of these runs may need: a run that goes on for longer hangs.
const PATIENCE: usize = 400_000;

/// The longest time that somebody looks at a stopped test: more than any limit on it.
const DEBUGGING: Duration = Duration::from_secs(60);

/// Between two measurements of the machine.
const BETWEEN_LOADS: Duration = Duration::from_millis(250);

impl World {
    pub(crate) fn new(suite: Suite, config: Config, truth: Truth, weather: Weather) -> Self {
        let monitor = Monitor::new(&suite, &config);
        Self {
            run: Run::new(suite.clone(), config),
            chance: Chance(weather.seed),
            suite,
            truth,
            weather,
            monitor,
            agenda: BinaryHeap::new(),
            actions: HashMap::new(),
            counter: 0,
            processes: Vec::new(),
            on_slot: HashMap::new(),
            said_at: HashMap::new(),
            arrived_at: HashMap::new(),
            now: Duration::ZERO,
            next_tick: None,
        }
    }

    /// Play the run to its end.
    pub(crate) fn play(mut self) -> Monitor {
        for at in self.weather.interrupts.clone() {
            self.schedule(at, Action::Interrupt);
        }
        for at in self.weather.kills.clone() {
            self.schedule(at, Action::KillSomebody);
        }
        for (load, nth) in self.weather.loads.clone().into_iter().zip(1..) {
            self.schedule(BETWEEN_LOADS * nth, Action::Say(None, Event::LoadMeasured(load)));
        }
        let commands = self.run.start(self.now);
        self.perform(commands);
        for _ in 0..PATIENCE {
            self.set_tick();
            let Some(Reverse((at, id))) = self.agenda.pop() else { break };
            self.now = at;
            let action = self.actions.remove(&id).expect("scheduled");
            self.act(action);
            self.monitor.settled();
            if self.run.is_over() {
                break;
            }
        }
        assert!(self.run.is_over(), "the run hangs: {:#?}\n{:#?}", self.run.counts(), self.processes);
        self.monitor.end(self.now);
        self.monitor
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Say(process, event) => self.hear(process, event),
            Action::Arrive(process, order) => {
                self.processes[process as usize].inbox.push_back(order);
                self.wake(process);
            }
            Action::Step(process, step) if self.processes[process as usize].step == step => self.step(process),
            Action::Step(..) => {}
            Action::Kill(process) => self.die(process),
            Action::Interrupt => self.hear(None, Event::Interrupted),
            Action::KillSomebody => {
                let alive: Vec<_> = self.on_slot.values().copied().collect();
                if let Some(process) = alive.get(self.chance.below(alive.len() as u64) as usize) {
                    self.die_of(*process, Death::Signaled(9));
                }
            }
            Action::Tick => {
                self.next_tick = None;
                self.hear(None, Event::Tick);
            }
        }
    }

    /// The engine hears something; what it answers is performed at once.
    fn hear(&mut self, process: Option<u64>, event: Event) {
        if let (Event::WorkerDied { slot, .. } | Event::StartFailed { slot }, Some(_)) = (&event, process) {
            self.on_slot.remove(slot);
        }
        self.monitor.event(&event);
        let commands = self.run.handle(event, self.now);
        self.perform(commands);
    }

    fn perform(&mut self, commands: Vec<Command>) {
        for command in commands {
            self.check_missing(&command);
            self.monitor.command(&command, self.now);
            match command {
                Command::StartWorker { slot } => self.start(slot),
                Command::Run { slot, tests } => {
                    let process = self.process(slot);
                    let numbered = self.processes[process as usize].enter(&tests);
                    self.send(process, Order::Run(numbered));
                }
                Command::Idle { slot } => self.send(self.process(slot), Order::Idle),
                Command::Finish { slot } => self.send(self.process(slot), Order::Finish),
                Command::TakeBack { slot } => {
                    let process = self.process(slot);
                    let left = self.processes[process as usize].take_back();
                    self.hear(Some(process), Event::TakenBack { slot, left });
                }
                Command::Look { slot } => self.look(slot),
                Command::Interrupt { slot } => self.interrupt(self.process(slot)),
                Command::Terminate { slot } => {
                    let process = self.process(slot);
                    self.processes[process as usize].being_ended = true;
                    if !self.chance.once_in(self.weather.stubborn) {
                        self.kill(process);
                    }
                }
                Command::Kill { slot } => self.kill(self.process(slot)),
                Command::Ask { test, .. } => {
                    let again = self.chance.once_in(2);
                    let at = self.now + self.chance.up_to(self.weather.delay);
                    self.schedule(at, Action::Say(None, Event::Judged { test, again }));
                }
                Command::LendTerminal { slot } => self.send(self.process(slot), Order::Terminal(true)),
                Command::RefuseTerminal { slot } => self.send(self.process(slot), Order::Terminal(false)),
                _ => {}
            }
        }
    }

    /// A worker is found at its test, or at something that the test shares with others since a while.
    fn look(&mut self, slot: Slot) {
        let process = self.process(slot);
        let Some(test) = self.processes[process as usize].test() else { return };
        let spent = self.chance.up_to(self.weather.delay);
        let shared = Shared { spent, within: self.chance.once_in(2).then_some(spent) };
        self.hear(Some(process), Event::Looked { slot, test, shared });
    }

    /// A test is given up only if nobody who is ready has it, together with its group.
    fn check_missing(&self, command: &Command) {
        let Command::Settle { test, slot: None, verdict: Verdict::Error } = command else { return };
        let group = self.suite.tests[test.index()].group;
        let together = |other: &TestId| group.is_some() && self.suite.tests[other.index()].group == group;
        let lacks = |process: &Process| process.lacking.iter().any(|other| other == test || together(other));
        let ready = self.on_slot.values().map(|id| &self.processes[*id as usize]);
        let able = ready.filter(|process| process.state == State::Waiting && !process.finished && !lacks(process));
        assert_eq!(able.count(), 0, "{test:?} is given up although a worker has it");
    }

    fn process(&self, slot: Slot) -> u64 {
        *self.on_slot.get(&slot).unwrap_or_else(|| panic!("{slot} has no worker"))
    }

    fn start(&mut self, slot: Slot) {
        assert!(!self.on_slot.contains_key(&slot), "{slot} has a worker already");
        let id = self.processes.len() as u64;
        let mut process = Process::new(slot);
        let tests = (0..self.suite.tests.len()).map(|index| TestId(index as u32));
        process.lacking = tests.filter(|_| self.chance.once_in(self.weather.lacks)).collect();
        self.processes.push(process);
        self.on_slot.insert(slot, id);
        if self.chance.once_in(self.weather.start_fails) {
            self.processes[id as usize].state = State::Dead;
            self.say(id, Event::StartFailed { slot });
        } else {
            self.step_in(id, self.weather.start_time);
        }
    }

    fn send(&mut self, process: u64, order: Order) {
        let at = self.in_order(process, true);
        self.schedule(at, Action::Arrive(process, order));
    }

    fn say(&mut self, process: u64, event: Event) {
        let at = self.in_order(process, false);
        self.schedule(at, Action::Say(Some(process), event));
    }

    fn in_order(&mut self, process: u64, arrives: bool) -> Duration {
        let at = self.now + self.chance.up_to(self.weather.delay);
        let last = if arrives { &mut self.arrived_at } else { &mut self.said_at };
        let last = last.entry(process).or_default();
        *last = at.max(*last);
        *last
    }

    fn schedule(&mut self, at: Duration, action: Action) {
        self.counter += 1;
        self.agenda.push(Reverse((at, self.counter)));
        self.actions.insert(self.counter, action);
    }

    fn step_in(&mut self, process: u64, after: Duration) {
        self.processes[process as usize].step += 1;
        let step = self.processes[process as usize].step;
        self.schedule(self.now + after, Action::Step(process, step));
    }

    fn set_tick(&mut self) {
        if let Some(deadline) = self.run.next_deadline()
            && self.next_tick.is_none_or(|at| deadline < at)
        {
            self.next_tick = Some(deadline);
            self.schedule(deadline.max(self.now), Action::Tick);
        }
    }

    fn kill(&mut self, process: u64) {
        let after = self.chance.up_to(self.weather.delay);
        self.schedule(self.now + after, Action::Kill(process));
    }

    fn die(&mut self, id: u64) {
        self.die_of(id, Death::Unknown);
    }

    /// The process is gone; what it said before is still heard.
    fn die_of(&mut self, id: u64, death: Death) {
        let process = &mut self.processes[id as usize];
        if process.is_dead() {
            return;
        }
        if let Some(test) = process.test() {
            self.monitor.over(test);
        }
        process.state = State::Dead;
        process.step += 1;
        let slot = process.slot;
        self.monitor.died(id);
        self.say(id, Event::WorkerDied { slot, death });
    }

    fn interrupt(&mut self, id: u64) {
        let slot = self.processes[id as usize].slot;
        if matches!(self.processes[id as usize].state, State::Testing(_)) && !self.chance.once_in(self.weather.stubborn)
        {
            self.say(id, Event::StopAsked { slot, kind: StopKind::KeyboardInterrupt });
            self.die(id);
        }
    }

    /// A step of a worker was due: its start is over, its test is, or it has left.
    fn step(&mut self, id: u64) {
        let slot = self.processes[id as usize].slot;
        match self.processes[id as usize].state {
            State::Starting => {
                self.processes[id as usize].state = State::Waiting;
                let tests: Vec<_> = self.processes[id as usize].lacking.iter().copied().collect();
                if !tests.is_empty() {
                    self.say(id, Event::Lacking { slot, tests });
                }
                self.say(id, Event::WorkerReady { slot });
                self.wake(id);
            }
            State::Testing(test) => self.tear_down(id, test),
            State::Debugging(test) => {
                self.say(id, Event::DebuggerDone { slot });
                self.go_on_testing(id, test);
            }
            State::Leaving => self.die(id),
            State::Waiting | State::Stopped(_) | State::TearingDown(_) | State::Dead => {}
        }
    }

    /// The call is over. If nothing is known to follow, ask.
    fn tear_down(&mut self, id: u64, test: TestId) {
        if self.chance.once_in(self.weather.crash_in_test) {
            return self.die(id);
        }
        self.processes[id as usize].state = State::TearingDown(test);
        self.read_all(id);
        if let Some(next) = self.processes[id as usize].peek() {
            return self.end_test(id, test, Some(next));
        }
        self.ask(id);
        self.wake(id);
    }

    fn ask(&mut self, id: u64) {
        let (slot, seen) = (self.processes[id as usize].slot, self.processes[id as usize].read);
        self.say(id, Event::NextWanted { slot, seen });
    }

    /// Read runs that are there; leave other commands for when the queue is empty.
    fn read_all(&mut self, id: u64) {
        let process = &mut self.processes[id as usize];
        while matches!(process.inbox.front(), Some(Order::Run(_))) {
            process.read();
        }
    }

    /// A command came, or the worker has nothing to do: go on if that is possible.
    fn wake(&mut self, id: u64) {
        match self.processes[id as usize].state {
            State::Waiting => self.wake_waiting(id),
            State::TearingDown(test) => self.wake_tearing_down(id, test),
            State::Stopped(test) => self.wake_stopped(id, test),
            _ => {}
        }
    }

    fn wake_waiting(&mut self, id: u64) {
        while let Some(order) = self.processes[id as usize].read() {
            match order {
                Order::Finish => return self.leave(id),
                Order::Idle | Order::Terminal(_) => {}
                Order::Run(_) if self.processes[id as usize].peek().is_some() => return self.begin(id),
                Order::Run(_) => self.ask(id),
            }
        }
    }

    fn wake_tearing_down(&mut self, id: u64, test: TestId) {
        while let Some(order) = self.processes[id as usize].read() {
            match order {
                Order::Finish => {
                    self.end_test(id, test, None);
                    return self.leave(id);
                }
                Order::Terminal(_) => {}
                Order::Idle => return self.end_test(id, test, None),
                Order::Run(_) => match self.processes[id as usize].peek() {
                    Some(next) => return self.end_test(id, test, Some(next)),
                    None => self.ask(id),
                },
            }
        }
    }

    fn end_test(&mut self, id: u64, test: TestId, next: Option<TestId>) {
        let slot = self.processes[id as usize].slot;
        let failed = self.chance.once_in(self.weather.fails);
        let verdict = if failed { Verdict::Failed } else { Verdict::Passed };
        let call = self.truth.tests[test.index()];
        let set_ups = std::mem::take(&mut self.monitor.pending_set_ups[slot.index()]);
        let timing = Timing { call, ..Timing::default() };
        self.monitor.over(test);
        self.say(id, Event::TestEnded { slot, test, verdict, failures: u32::from(failed), timing, set_ups });
        if self.chance.once_in(self.weather.grows) {
            self.say(id, Event::MemoryMeasured { slot, bytes: LARGE });
        }
        if self.chance.once_in(self.weather.stop_asked) {
            self.say(id, Event::StopAsked { slot, kind: StopKind::ShouldStop });
        }
        let kept = next.map(|next| self.needs(next)).unwrap_or_default();
        let process = &mut self.processes[id as usize];
        process.standing.retain(|fixture| kept.contains(fixture) || self.suite.fixtures[fixture.index()].session);
        process.state = State::Waiting;
        if self.chance.once_in(self.weather.crash_between) {
            return self.die(id);
        }
        match next {
            Some(_) => self.begin(id),
            None => self.wake(id),
        }
    }

    fn needs(&self, test: TestId) -> BTreeSet<FixtureId> {
        self.suite.tests[test.index()].fixtures.iter().copied().collect()
    }

    /// Begin the next test, or ask if it was taken back meanwhile.
    fn begin(&mut self, id: u64) {
        let Some(test) = self.processes[id as usize].begin() else {
            self.ask(id);
            return self.wake(id);
        };
        let slot = self.processes[id as usize].slot;
        let new: Vec<_> = self.needs(test).difference(&self.processes[id as usize].standing).copied().collect();
        let seconds: f64 = new.iter().map(|fixture| self.truth.fixtures[fixture.index()]).sum();
        let set_up =
            |fixture: &FixtureId| FixtureSetUp { fixture: *fixture, seconds: self.truth.fixtures[fixture.index()] };
        self.monitor.pending_set_ups[slot.index()] = new.iter().map(set_up).collect();
        self.monitor.set_ups += new.len();
        self.processes[id as usize].standing.extend(new);
        self.monitor.begin(test, id);
        self.processes[id as usize].state = State::Testing(test);
        self.say(id, Event::TestStarted { slot, test });
        self.processes[id as usize].left = Duration::from_secs_f64(seconds + self.truth.tests[test.index()]);
        if self.chance.once_in(self.weather.debugs) {
            self.processes[id as usize].state = State::Stopped(test);
            self.say(id, Event::DebuggerWanted { slot });
        } else {
            self.go_on_testing(id, test);
        }
    }

    fn go_on_testing(&mut self, id: u64, test: TestId) {
        self.processes[id as usize].state = State::Testing(test);
        if !self.chance.once_in(self.weather.hangs) {
            self.step_in(id, self.processes[id as usize].left);
        }
    }

    /// The terminal comes, or the news that it never will: then the session is over for this worker too.
    fn wake_stopped(&mut self, id: u64, test: TestId) {
        while let Some(order) = self.processes[id as usize].read() {
            let slot = self.processes[id as usize].slot;
            match order {
                Order::Terminal(true) => {
                    self.processes[id as usize].state = State::Debugging(test);
                    let looks = self.chance.up_to(DEBUGGING);
                    return self.step_in(id, looks);
                }
                Order::Terminal(false) => {
                    self.say(id, Event::StopAsked { slot, kind: StopKind::Exit });
                    return self.go_on_testing(id, test);
                }
                Order::Run(_) | Order::Idle | Order::Finish => {}
            }
        }
    }

    fn leave(&mut self, id: u64) {
        let process = &mut self.processes[id as usize];
        if process.is_dead() {
            return;
        }
        (process.state, process.finished) = (State::Leaving, true);
        let slot = process.slot;
        if self.run.stopping().is_none() {
            self.monitor.leaves(id);
        }
        self.say(id, Event::WorkerFinished { slot });
        self.step_in(id, Duration::from_micros(500));
    }
}
