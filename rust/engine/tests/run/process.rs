//! One simulated worker process: what it has read, what it runs, what stands on the shared page.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use engine::{FixtureId, Slot, TestId};

/// A test as handed over, with its number among all that this process was handed.
pub(crate) type Numbered = (u64, TestId);

/// A command on its way to the worker.
#[derive(Clone, Debug)]
pub(crate) enum Order {
    Run(Vec<Numbered>),
    Idle,
    Finish,
    /// The answer to the wish for a debugger.
    Terminal(bool),
}

/// What the worker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Starting,
    /// Reads its inbox and does nothing else.
    Waiting,
    /// In set-up or call.
    Testing(TestId),
    /// At a breakpoint, without the terminal.
    Stopped(TestId),
    /// Somebody looks at it.
    Debugging(TestId),
    /// In teardown, and it has asked what follows.
    TearingDown(TestId),
    Leaving,
    Dead,
}

#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub(crate) slot: Slot,
    pub(crate) state: State,
    pub(crate) inbox: VecDeque<Order>,
    pub(crate) read: u32,
    pub(crate) queue: VecDeque<Numbered>,
    /// Handed out and not begun, as the shared page has it.
    pub(crate) open: BTreeSet<u64>,
    pub(crate) handed: u64,
    /// Set-ups that stand.
    pub(crate) standing: BTreeSet<FixtureId>,
    /// A step that was scheduled for an earlier state is void.
    pub(crate) step: u64,
    pub(crate) finished: bool,
    pub(crate) being_ended: bool,
    /// Tests that it did not find when it collected.
    pub(crate) lacking: BTreeSet<TestId>,
    /// How long the test that has begun will take, once nobody looks at it.
    pub(crate) left: Duration,
}

impl Process {
    pub(crate) fn new(slot: Slot) -> Self {
        Self {
            slot,
            state: State::Starting,
            inbox: VecDeque::new(),
            read: 0,
            queue: VecDeque::new(),
            open: BTreeSet::new(),
            handed: 0,
            standing: BTreeSet::new(),
            step: 0,
            finished: false,
            being_ended: false,
            lacking: BTreeSet::new(),
            left: Duration::ZERO,
        }
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.state == State::Dead
    }

    /// The test that it is in the middle of.
    pub(crate) fn test(&self) -> Option<TestId> {
        match self.state {
            State::Testing(test) | State::Stopped(test) | State::Debugging(test) | State::TearingDown(test) => {
                Some(test)
            }
            State::Starting | State::Waiting | State::Leaving | State::Dead => None,
        }
    }

    /// Give the tests numbers and enter them on the page.
    pub(crate) fn enter(&mut self, tests: &[TestId]) -> Vec<Numbered> {
        let foreign = tests.iter().find(|test| self.lacking.contains(test));
        assert!(foreign.is_none(), "{foreign:?} goes to {:?}, which does not have it", self.slot);
        let numbered: Vec<_> = tests.iter().zip(self.handed..).map(|(test, number)| (number, *test)).collect();
        self.handed += tests.len() as u64;
        self.open.extend(numbered.iter().map(|(number, _)| *number));
        numbered
    }

    /// Take back everything on the page: how many tests that were.
    pub(crate) fn take_back(&mut self) -> u32 {
        let left = self.open.len() as u32;
        self.open.clear();
        left
    }

    /// Drop what was taken back, and look at the next test without beginning it.
    pub(crate) fn peek(&mut self) -> Option<TestId> {
        while let Some((number, test)) = self.queue.front() {
            if self.open.contains(number) {
                return Some(*test);
            }
            self.queue.pop_front();
        }
        None
    }

    /// Begin the next test on the page.
    pub(crate) fn begin(&mut self) -> Option<TestId> {
        self.peek()?;
        let (number, test) = self.queue.pop_front()?;
        self.open.remove(&number);
        Some(test)
    }

    /// Read one command; `None` if there is none.
    pub(crate) fn read(&mut self) -> Option<Order> {
        let order = self.inbox.pop_front()?;
        self.read += u32::from(!matches!(order, Order::Terminal(_)));
        if let Order::Run(tests) = &order {
            self.queue.extend(tests);
        }
        Some(order)
    }
}
