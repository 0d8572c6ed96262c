//! The controller's hold on its supervisor.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use engine::{Ending, Slot, TestId};
use rustix::event::{EventfdFlags, eventfd};

use super::gauges::Gauges;
use super::zygotes::Zygotes;
use super::{Journal, Message, Origin, Outcome, Setup, Supervisor};
use crate::process::Orphanage;

/// How long messages gather before Python is woken for them. At 5,000 tests a second it then wakes for 50 instead of
/// 5, which leaves the workers 5 % more of two cores; nobody sees results 10 ms late.
const GATHER: Duration = Duration::from_millis(10);

/// What the controller can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// No further test starts; running ones finish.
    Stop,
    /// Ctrl-C. The first is polite, the second is not.
    Interrupt,
    /// The answer to [`Message::Asked`].
    Judge {
        /// Which test.
        test: TestId,
        /// Whether it runs again.
        again: bool,
    },
    /// Nobody else writes to the terminal any more: this worker may have it.
    LendTerminal(Slot),
    /// What are the workers doing? Answered by [`Message::Status`].
    Inquire,
    /// Ctrl-Z: every worker stands still, and no deadline comes nearer.
    Halt,
    /// `fg`: they go on.
    Resume,
}

/// The controller's end of the supervisor thread.
pub struct SupervisorHandle {
    orders: Sender<Order>,
    wake: Arc<OwnedFd>,
    messages: Receiver<Message>,
    backlog: Arc<AtomicUsize>,
    halted: Receiver<()>,
    thread: JoinHandle<Outcome>,
}

impl SupervisorHandle {
    /// Starts the thread. Where workers are forked, call it only after the zygote was: a process with threads is not one
    /// to fork.
    pub fn start(setup: Setup) -> std::io::Result<Self> {
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
        let orphanage = Orphanage::open(&setup.started.run_id, setup.keep);
        let wake = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let (orders, orders_in) = crossbeam_channel::unbounded();
        let (messages_out, messages) = crossbeam_channel::unbounded();
        let (halted_out, halted) = crossbeam_channel::bounded(1);
        let backlog = Arc::new(AtomicUsize::new(0));
        let (zygotes, spawner) = match setup.origin {
            Origin::Zygote { zygote, spare } => (Zygotes::new(zygote, spare), None),
            Origin::Spawner(spawner) => (Zygotes::none(), Some(*spawner)),
        };
        let suite = spawner.is_some().then(|| setup.names.suite());
        let mut journal = Journal::new(setup.names, setup.slots, setup.keep_records, setup.events, setup.redaction);
        journal.run_started(setup.started);
        let supervisor = Supervisor {
            run: setup.run,
            page: setup.page,
            clock: setup.clock,
            zygotes,
            spawner,
            suite,
            workers: (0..setup.slots).map(|_| None).collect(),
            attempts: vec![0; usize::from(setup.slots)],
            journal,
            stacks: super::stacks::Stacks::new(setup.slots, setup.spy),
            orders: orders_in,
            wake: Arc::clone(&wake),
            messages: messages_out,
            backlog: Arc::clone(&backlog),
            events: std::collections::VecDeque::new(),
            at_hand: None,
            evidence: None,
            suspects: std::collections::HashMap::new(),
            held_since: None,
            halted_since: None,
            halted: halted_out,
            gauges: Gauges::new(setup.sensing),
            orphanage,
            over: false,
            ending: Ending::Completed,
        };
        let thread =
            std::thread::Builder::new().name("pytest-concurrent".to_owned()).spawn(move || supervisor.live())?;
        Ok(Self { orders, wake, messages, backlog, halted, thread })
    }

    /// Asks for something.
    pub fn order(&self, order: Order) {
        let _ = self.orders.send(order);
        let _ = rustix::io::write(&*self.wake, &1_u64.to_ne_bytes());
    }

    /// Asks for [`Order::Halt`] and waits until it is done, or for `patience`.
    pub fn halt(&self, patience: Duration) {
        self.order(Order::Halt);
        let _ = self.halted.recv_timeout(patience);
    }

    /// Up to `most` messages, waiting at most `patience` for the first. Empty = none came in time.
    /// `Err` = the thread ended without saying that the run is over.
    pub fn messages(&self, most: usize, patience: Duration) -> Result<Vec<Message>, std::io::Error> {
        let first = match self.messages.recv_timeout(patience) {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => return Ok(Vec::new()),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(std::io::Error::other("the supervisor thread ended too early"));
            }
        };
        if !matches!(first, Message::Over { .. }) {
            std::thread::sleep(GATHER);
        }
        let messages: Vec<_> =
            std::iter::once(first).chain(self.messages.try_iter().take(most.saturating_sub(1))).collect();
        self.backlog.fetch_sub(messages.iter().map(Message::weight).sum(), Ordering::Relaxed);
        Ok(messages)
    }

    /// Waits for the thread. Call it after [`Message::Over`].
    pub fn join(self) -> std::io::Result<Outcome> {
        let outcome = self.thread.join().map_err(|_| std::io::Error::other("the supervisor thread panicked"));
        let _ = rustix::process::set_child_subreaper(None);
        outcome
    }
}
