//! The supervisor: one thread that waits for sockets, processes and time, tells the engine, and does what it says.
//!
//! It never waits for Python and never takes the interpreter lock. `mod.rs` is the loop; `incoming.rs` turns what
//! comes into events, `perform.rs` turns commands into deeds, `deaths.rs` is the end of a worker, `debugger.rs` lends
//! the terminal, `echo.rs` passes output on, `stacks.rs` tells where workers stand.

mod deaths;
mod debugger;
mod echo;
mod gauges;
mod handle;
mod incoming;
mod journal;
mod lines;
mod measured;
mod message;
mod perform;
mod stacks;
mod worker;
mod zygotes;

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};
use engine::guard::Redaction;
use engine::wire::message::ToWorker;
use engine::{Event, Run, Slot, TestId, Timing};
use report::record::RunStarted;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::clock::Clock;
use crate::page::Page;
use crate::process::{Blow, Keep, Orphanage, Spawner};
use gauges::Gauges;
pub use gauges::Sensing;
pub use handle::{Order, SupervisorHandle};
pub use journal::{Journal, Names, Outcome, TestResult};
pub use message::Message;
use stacks::Stacks;
pub use stacks::{NATIVE, WorkerStatus};
use worker::{Stage, Worker};
use zygotes::Zygotes;

/// The loop wakes at least so often. Also how late a stopped clock is noticed.
const LONGEST_SLEEP: Duration = Duration::from_millis(500);

/// A sleep that lasts so much longer than asked means that the machine or the process stood still.
const GAP: Duration = Duration::from_secs(2);

/// With so many tests at hand a worker does not miss the supervisor for a moment (32 empty tests take 6 ms).
const WELL_STOCKED: u32 = 32;

/// How long the supervisor lets frames gather when every worker is well stocked: one wake-up then serves a dozen
/// tests instead of one, which matters where it shares its cores with the workers.
const GATHER: Duration = Duration::from_millis(2);

/// How long the end of what tests left behind may take. A killed process is gone in no time, unless it hangs in the
/// kernel, and then nobody can help.
const ORPHANS_END: Duration = Duration::from_secs(2);

/// When messages for Python hold so many bytes, workers are no longer read until it has caught up.
const BACKLOG: usize = 64 * 1024 * 1024;

/// What a supervisor needs to begin.
pub struct Setup {
    /// The engine's state of the run.
    pub run: Run,
    /// The page shared with the workers.
    pub page: Arc<Page>,
    /// The run's clock.
    pub clock: Clock,
    /// Where workers come from.
    pub origin: Origin,
    /// Number of slots.
    pub slots: u16,
    /// What numbers are called.
    pub names: Names,
    /// The first line of the event stream.
    pub started: RunStarted,
    /// Whether the event stream is kept in memory.
    pub keep_records: bool,
    /// Where the event stream is written.
    pub events: Option<File>,
    /// What must not stand in the event stream.
    pub redaction: Redaction,
    /// Where py-spy is, if it is.
    pub spy: Option<std::path::PathBuf>,
    /// What the engine needs to know of memory and load.
    pub sensing: Sensing,
    /// Processes that may outlive the run.
    pub keep: Keep,
}

/// Where workers come from.
pub enum Origin {
    /// They are forked.
    Zygote {
        /// The zygote's socket and process id.
        zygote: (OwnedFd, i32),
        /// The spare's socket.
        spare: OwnedFd,
    },
    /// They are started, and collect by themselves.
    Spawner(Box<Spawner>),
}

/// What came with the frame that is being handled, for the verdict that follows from it.
struct AtHand {
    test: TestId,
    timing: Timing,
    failures: u32,
    message: String,
    payload: Vec<u8>,
}

/// Something that is ready to be read or written.
#[derive(Clone, Copy)]
enum Ready {
    Wake,
    Zygote(u32),
    ZygoteEnded(u32),
    Socket(Slot),
    Writable(Slot),
    Pipe(Slot, usize),
    Process(Slot),
    Spy(Slot),
}

struct Supervisor {
    run: Run,
    page: Arc<Page>,
    clock: Clock,
    zygotes: Zygotes,
    spawner: Option<Spawner>,
    /// What workers that collect by themselves are told first.
    suite: Option<ToWorker>,
    workers: Vec<Option<Worker>>,
    attempts: Vec<u32>,
    journal: Journal,
    stacks: Stacks,
    orders: Receiver<Order>,
    wake: Arc<OwnedFd>,
    messages: Sender<Message>,
    backlog: Arc<AtomicUsize>,
    events: VecDeque<Event>,
    at_hand: Option<AtHand>,
    evidence: Option<Box<crate::process::Evidence>>,
    /// What is known of tests that may run again after their worker died.
    suspects: HashMap<TestId, Box<crate::process::Evidence>>,
    held_since: Option<Duration>,
    halted_since: Option<Duration>,
    halted: Sender<()>,
    gauges: Gauges,
    orphanage: Orphanage,
    over: bool,
    ending: engine::Ending,
}

impl Supervisor {
    /// Runs to the end.
    fn live(mut self) -> Outcome {
        let commands = self.run.start(self.clock.now());
        self.perform(commands);
        self.adopt_early_workers();
        self.drain_events();
        while !self.over {
            self.turn();
        }
        self.orphanage.clear(&self.zygotes.pids(), ORPHANS_END);
        self.zygotes.dismiss();
        let (ended, kept) = self.orphanage.close(ORPHANS_END);
        if !ended.is_empty() || !kept.is_empty() {
            let _ = self.messages.send(Message::Orphans { ended, kept });
        }
        let now = self.clock.now();
        let outcome = self.journal.run_finished(now, self.ending);
        let _ = self.messages.send(Message::Over { ending: self.ending });
        outcome
    }

    /// Sleeps until something is ready, then handles all of it.
    fn turn(&mut self) {
        let ready = self.wait();
        let gathered = ready.iter().any(|ready| matches!(ready, Ready::Socket(_)));
        for ready in ready {
            self.attend(ready);
        }
        let is_due = self.run.next_deadline().is_some_and(|deadline| deadline <= self.clock.now());
        if is_due && self.halted_since.is_none() {
            self.feed(Event::Tick);
        }
        if self.halted_since.is_none() {
            self.attend_reaping();
        }
        self.attend_stacks();
        self.show_overdue_lines();
        self.measure();
        self.journal.flush();
        if gathered && !self.over && self.all_well_stocked() {
            std::thread::sleep(GATHER);
        }
    }

    fn attend(&mut self, ready: Ready) {
        match ready {
            Ready::Wake => self.take_orders(),
            Ready::Zygote(id) => self.hear_zygote(id),
            Ready::ZygoteEnded(id) => self.zygote_ended(id),
            Ready::Socket(slot) => self.hear_worker(slot),
            Ready::Writable(slot) => self.with(slot, Worker::flush),
            Ready::Pipe(slot, index) => self.hear_pipe(slot, index),
            Ready::Process(slot) => self.process_ended(slot),
            Ready::Spy(slot) => self.look_ended(slot),
        }
    }

    /// Tells the engine and does what it says.
    fn feed(&mut self, event: Event) {
        self.events.push_back(event);
        self.drain_events();
    }

    fn drain_events(&mut self) {
        while let Some(event) = self.events.pop_front() {
            let commands = self.run.handle(event, self.clock.now());
            self.perform(commands);
        }
    }

    fn take_orders(&mut self) {
        let mut count = [0; 8];
        let _ = rustix::io::read(&*self.wake, &mut count);
        while let Ok(order) = self.orders.try_recv() {
            match order {
                Order::Stop => self.feed(Event::StopOrdered),
                Order::LendTerminal(slot) => self.lend_terminal(slot),
                Order::Inquire => self.inquire(),
                Order::Interrupt => self.feed(Event::Interrupted),
                Order::Judge { test, again } => self.judge(test, again),
                Order::Halt => self.halt(),
                Order::Resume => self.resume(),
            }
        }
    }

    fn judge(&mut self, test: TestId, again: bool) {
        if again {
            self.suspects.remove(&test);
        }
        self.feed(Event::Judged { test, again });
    }

    fn halt(&mut self) {
        if self.halted_since.is_none() {
            self.halted_since = Some(self.clock.now());
            self.workers.iter_mut().flatten().for_each(|worker| worker.strike(Blow::Stop));
        }
        let _ = self.halted.try_send(());
    }

    fn resume(&mut self) {
        if let Some(since) = self.halted_since.take() {
            // While they stand still it is certain what they were at.
            self.excuse(self.clock.now().saturating_sub(since));
            self.workers.iter_mut().flatten().for_each(|worker| worker.strike(Blow::Continue));
        }
    }

    /// So much time has passed in which nothing could happen.
    fn excuse(&mut self, by: Duration) {
        for worker in self.workers.iter_mut().flatten() {
            if let Stage::Dying(since) = &mut worker.stage {
                *since += by;
            }
        }
        self.feed(Event::Gap { by });
    }

    fn wait(&mut self) -> Vec<Ready> {
        let now = self.clock.now();
        self.note_backlog(now);
        let sleep = self.sleep(now);
        let mut sources = Vec::with_capacity(4 + 4 * self.workers.len());
        let mut descriptors = Vec::with_capacity(sources.capacity());
        self.list_sources(&mut sources, &mut descriptors);
        let timeout = Timespec { tv_sec: sleep.as_secs().cast_signed(), tv_nsec: sleep.subsec_nanos().into() };
        let found = poll(&mut descriptors, Some(&timeout));
        let ready = match found {
            Ok(count) if count > 0 => sources
                .into_iter()
                .zip(&descriptors)
                .filter(|(_, descriptor)| !descriptor.revents().is_empty())
                .map(|(source, _)| source)
                .collect(),
            _ => Vec::new(),
        };
        let slept = self.clock.now().saturating_sub(now);
        if slept > sleep + GAP && self.halted_since.is_none() {
            self.excuse(slept.saturating_sub(sleep));
        }
        ready
    }

    fn sleep(&self, now: Duration) -> Duration {
        if self.held_since.is_some() {
            return GATHER;
        }
        let deadline = self.run.next_deadline().filter(|_| self.halted_since.is_none());
        let measuring = self.gauges.deadline().filter(|_| self.halted_since.is_none());
        let own = [deadline, measuring, self.stacks.deadline(now), self.lines_deadline()];
        own.into_iter().flatten().min().unwrap_or(Duration::MAX).saturating_sub(now).min(LONGEST_SLEEP)
    }

    fn list_sources<'a>(&'a self, sources: &mut Vec<Ready>, descriptors: &mut Vec<PollFd<'a>>) {
        let mut add = |source, descriptor: &'a OwnedFd, flags| {
            sources.push(source);
            descriptors.push(PollFd::new(descriptor, flags));
        };
        add(Ready::Wake, &self.wake, PollFlags::IN);
        if self.halted_since.is_some() {
            return;
        }
        for (slot, pidfd) in self.stacks.pidfds() {
            add(Ready::Spy(slot), pidfd, PollFlags::IN);
        }
        for (id, socket, pidfd) in self.zygotes.sources() {
            add(Ready::Zygote(id), socket, PollFlags::IN);
            if let Some(pidfd) = pidfd {
                add(Ready::ZygoteEnded(id), pidfd, PollFlags::IN);
            }
        }
        for worker in self.workers.iter().flatten() {
            let slot = worker.slot;
            if !worker.pending.is_empty() {
                add(Ready::Writable(slot), &worker.near.socket, PollFlags::OUT);
            }
            // Before its pidfd came nobody could say who speaks.
            if worker.socket_open && worker.stage != Stage::Forking && self.held_since.is_none() {
                add(Ready::Socket(slot), &worker.near.socket, PollFlags::IN);
            }
            for index in [0, 1] {
                if worker.pipes_open[index] && self.held_since.is_none() {
                    add(Ready::Pipe(slot, index), &worker.near.pipes[index], PollFlags::IN);
                }
            }
            if worker.stage == Stage::Alive
                && let Some(pidfd) = &worker.pidfd
            {
                add(Ready::Process(slot), pidfd, PollFlags::IN);
            }
        }
    }

    /// While Python is far behind, workers are not read, and the time that they are held up is nobody's fault.
    fn note_backlog(&mut self, now: Duration) {
        let full = self.backlog.load(Ordering::Relaxed) > BACKLOG;
        match (full, self.held_since) {
            (true, None) => self.held_since = Some(now),
            (false, Some(since)) => {
                self.held_since = None;
                self.excuse(now.saturating_sub(since));
            }
            _ => {}
        }
    }

    fn all_well_stocked(&self) -> bool {
        let mut alive = self.workers.iter().flatten().filter(|worker| worker.stage == Stage::Alive).peekable();
        alive.peek().is_some() && alive.all(|worker| self.page.ahead(worker.slot) >= WELL_STOCKED)
    }

    fn tell(&self, message: Message) {
        self.backlog.fetch_add(message.weight(), Ordering::Relaxed);
        let _ = self.messages.send(message);
    }

    fn worker(&mut self, slot: Slot) -> Option<&mut Worker> {
        self.workers.get_mut(slot.index()).and_then(Option::as_mut)
    }

    fn with(&mut self, slot: Slot, act: impl FnOnce(&mut Worker)) {
        if let Some(worker) = self.worker(slot) {
            act(worker);
        }
    }
}
