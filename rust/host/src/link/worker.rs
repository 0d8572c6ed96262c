//! A worker's end: commands in, results out.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use engine::wire::WireError;
use engine::wire::frame;
use engine::wire::message::{self, FromWorker, ToWorker};
use engine::{FixtureId, Slot, StopKind, TestId, Timing, Verdict};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};

use super::{LinkError, Owner};
use crate::heap::Heap;
use crate::page::{Page, Phase};

/// What follows the running test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peek {
    /// This test, unless it is taken back before it starts.
    Test(TestId),
    /// Nothing, ever.
    Nothing,
    /// Nothing for now.
    NotNow,
}

/// The result of one test.
#[derive(Clone, Debug)]
pub struct Ended<'a> {
    /// Which.
    pub test: TestId,
    /// What became of it.
    pub verdict: Verdict,
    /// Number of failed reports.
    pub failures: u32,
    /// Seconds; `start` in unix time.
    pub timing: Timing,
    /// Shared set-ups done for it.
    pub set_ups: Vec<(FixtureId, f64)>,
    /// Text of the first failure.
    pub message: &'a str,
    /// Its reports, encoded.
    pub payload: &'a [u8],
    /// Whether no other test may begin here before the controller has acted on this one: it may end the run.
    pub decisive: bool,
}

/// The most that a message about an ended test takes beside its texts, in bytes, and a shared set-up in it.
const ENDED: usize = 128;
const SET_UP: usize = 16;

impl Ended<'_> {
    /// Known before it is encoded, because what is too long must be refused before the next test is claimed.
    fn check_length(&self) -> Result<(), LinkError> {
        let length = ENDED + SET_UP * self.set_ups.len() + self.message.len() + self.payload.len();
        if length > frame::MAX_LENGTH { Err(LinkError::TooLong(length as u64)) } else { Ok(()) }
    }
}

/// A worker's place on the shared page, for saying what it is doing while its link is busy.
#[derive(Clone)]
pub struct Place {
    page: Arc<Page>,
    slot: Slot,
    owner: Owner,
}

impl Place {
    /// Notes what the worker is doing. A fork of the worker, which runs on behind a test's back, notes nothing.
    pub fn enter(&self, test: TestId, phase: Phase) {
        if self.owner.check().is_ok() {
            self.page.enter(self.slot, test, phase);
        }
    }

    /// Notes that the worker is at something that tests share, or not any more. A fork of it notes nothing.
    pub fn share(&self, doing: Option<&str>) {
        if self.owner.check().is_ok() {
            self.page.share(self.slot, doing);
        }
    }
}

/// A worker's end of its socket. All calls may block; the caller has released the interpreter lock.
pub struct WorkerLink {
    socket: OwnedFd,
    slot: Slot,
    page: Arc<Page>,
    owner: Owner,
    queue: VecDeque<(u16, TestId)>,
    input: Vec<u8>,
    output: Vec<u8>,
    seen: u32,
    waiting: Waiting,
    heard: bool,
    /// The answer to the wish for the terminal.
    terminal: Option<bool>,
    names: Option<Names>,
    heap: Heap,
}

/// What the numbers of a run mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// Node ids, by test.
    pub tests: Vec<String>,
    /// Keys of shared set-ups, by fixture.
    pub fixtures: Vec<String>,
}

/// What the worker knows about its future when its queue is empty.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Waiting {
    /// It has not asked.
    No,
    /// It asked, or said that it is ready, and has no answer yet.
    Asked,
    /// Nothing for now; the controller will speak first.
    Idle,
    /// Nothing, ever.
    Finish,
}

impl WorkerLink {
    /// Takes over the socket of a worker that has all tests, and says that it is ready.
    pub fn new(socket: OwnedFd, slot: Slot, page: Arc<Page>) -> Result<Self, LinkError> {
        let mut link = Self::collecting(socket, slot, page);
        link.ready(Vec::new())?;
        Ok(link)
    }

    /// Takes over the socket of a worker that collects by itself and is not ready before [`Self::ready`].
    pub fn collecting(socket: OwnedFd, slot: Slot, page: Arc<Page>) -> Self {
        Self {
            socket,
            slot,
            page,
            owner: Owner::current(),
            queue: VecDeque::new(),
            input: Vec::new(),
            output: Vec::new(),
            seen: 0,
            waiting: Waiting::Asked,
            heard: true,
            terminal: None,
            names: None,
            heap: Heap::new(),
        }
    }

    /// Waits for what the numbers of the run mean, which is said once.
    pub fn names(&mut self) -> Result<Names, LinkError> {
        loop {
            if let Some(names) = self.names.take() {
                return Ok(names);
            }
            self.read_blocking()?;
        }
    }

    /// Says that the worker waits for its first test, and which tests it does not have.
    pub fn ready(&mut self, lacking: Vec<TestId>) -> Result<(), LinkError> {
        if !lacking.is_empty() {
            self.send(&FromWorker::Lacking { tests: lacking })?;
        }
        self.send(&FromWorker::Ready)
    }

    /// What follows the running test; asks the controller if it is not at hand.
    pub fn peek(&mut self) -> Result<Peek, LinkError> {
        self.read_waiting()?;
        loop {
            if let Some(test) = self.head() {
                return Ok(Peek::Test(test));
            }
            match self.waiting {
                Waiting::Finish => return Ok(Peek::Nothing),
                Waiting::Idle => return Ok(Peek::NotNow),
                Waiting::Asked => self.read_blocking()?,
                Waiting::No => self.ask()?,
            }
        }
    }

    /// Between tests: the test to start next, or `None` when the worker is to leave. Waits as long as it takes.
    pub fn wait(&mut self) -> Result<Option<TestId>, LinkError> {
        loop {
            match self.peek()? {
                Peek::Test(test) => return Ok(Some(test)),
                Peek::Nothing => return Ok(None),
                Peek::NotNow => self.read_blocking()?,
            }
        }
    }

    /// Claims the test that [`Self::wait`] named and tells the controller that it begins. `None` = it was taken back.
    pub fn take(&mut self) -> Result<Option<TestId>, LinkError> {
        // Before the page is touched: a fork that claims a test takes it from the worker.
        self.owner.check()?;
        let Some(test) = self.claim() else { return Ok(None) };
        self.send(&FromWorker::Started { test })?;
        Ok(Some(test))
    }

    /// Reports a test and claims the next one if it is at hand, which is returned. After a decisive one none is.
    /// After [`LinkError::TooLong`] the test may be reported again with less.
    pub fn ended(&mut self, ended: Ended<'_>) -> Result<Option<TestId>, LinkError> {
        self.owner.check()?;
        ended.check_length()?;
        let next = if ended.decisive { None } else { self.claim() };
        self.send(&FromWorker::Ended {
            test: ended.test,
            verdict: ended.verdict,
            failures: ended.failures,
            timing: ended.timing,
            set_ups: ended.set_ups,
            message: ended.message,
            payload: ended.payload,
            next,
        })?;
        if ended.decisive {
            self.await_hearing()?;
        }
        self.heap.settle();
        Ok(next)
    }

    /// Reports what happened between tests.
    pub fn between_tests(&mut self, failures: u32, message: &str, payload: &[u8]) -> Result<(), LinkError> {
        self.send(&FromWorker::BetweenTests { failures, message, payload })
    }

    /// Asks the controller to stop the session; returns when it has.
    pub fn stop(&mut self, kind: StopKind, text: &str, code: Option<i32>) -> Result<(), LinkError> {
        self.send(&FromWorker::Stop { kind, text, code })?;
        self.await_hearing()
    }

    /// Waits for the terminal, for a debugger. `false` = the session ends and no debugger comes up.
    pub fn want_terminal(&mut self) -> Result<bool, LinkError> {
        self.terminal = None;
        self.send(&FromWorker::DebuggerWanted)?;
        loop {
            if let Some(lent) = self.terminal.take() {
                return Ok(lent);
            }
            self.read_blocking()?;
        }
    }

    /// Gives the terminal back.
    pub fn return_terminal(&mut self) -> Result<(), LinkError> {
        self.send(&FromWorker::DebuggerDone)
    }

    /// Says goodbye.
    pub fn finished(&mut self, payload: &[u8]) -> Result<(), LinkError> {
        self.send(&FromWorker::Finished { payload })
    }

    /// The worker's place on the shared page.
    pub fn place(&self) -> Place {
        Place { page: Arc::clone(&self.page), slot: self.slot, owner: self.owner }
    }

    /// The first test of the queue that may still start; drops those before it that were taken back.
    fn head(&mut self) -> Option<TestId> {
        while let Some(&(epoch, test)) = self.queue.front() {
            if self.page.is_current(self.slot, epoch) {
                return Some(test);
            }
            self.queue.pop_front();
        }
        None
    }

    fn claim(&mut self) -> Option<TestId> {
        while let Some((epoch, test)) = self.queue.pop_front() {
            if self.page.take(self.slot, epoch) {
                self.page.enter(self.slot, test, Phase::Setup);
                return Some(test);
            }
        }
        None
    }

    fn ask(&mut self) -> Result<(), LinkError> {
        self.waiting = Waiting::Asked;
        self.send(&FromWorker::NextWanted { seen: self.seen })
    }

    /// Waits until the controller has acted on everything that was said.
    fn await_hearing(&mut self) -> Result<(), LinkError> {
        self.heard = false;
        self.send(&FromWorker::AllSaid)?;
        while !self.heard {
            self.read_blocking()?;
        }
        Ok(())
    }

    fn obey(&mut self, command: ToWorker) {
        // The engine counts what it commanded about tests; the others are no steps of that.
        let about_tests = matches!(command, ToWorker::Run { .. } | ToWorker::Idle | ToWorker::Finish);
        self.seen += u32::from(about_tests);
        match command {
            ToWorker::Run { epoch, tests } => {
                self.queue.extend(tests.into_iter().map(|test| (epoch, test)));
                self.waiting = Waiting::No;
            }
            ToWorker::Idle => self.waiting = Waiting::Idle,
            ToWorker::Finish => self.waiting = Waiting::Finish,
            ToWorker::AllHeard => self.heard = true,
            ToWorker::Suite { tests, fixtures } => self.names = Some(Names { tests, fixtures }),
            ToWorker::TerminalLent => self.terminal = Some(true),
            ToWorker::TerminalRefused => self.terminal = Some(false),
        }
    }

    /// Reads what is there, without waiting.
    fn read_waiting(&mut self) -> Result<(), LinkError> {
        match self.read(RecvFlags::DONTWAIT) {
            Err(LinkError::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(()),
            other => other,
        }
    }

    /// Waits for something to read.
    fn read_blocking(&mut self) -> Result<(), LinkError> {
        self.read(RecvFlags::empty())
    }

    fn read(&mut self, flags: RecvFlags) -> Result<(), LinkError> {
        self.owner.check()?;
        let mut chunk = [0; 16 * 1024];
        let (count, _) = loop {
            match recv(&self.socket, &mut chunk[..], flags) {
                Err(Errno::INTR) => {}
                // It died with words of ours unread.
                Err(Errno::CONNRESET) => return Err(LinkError::Closed),
                other => break other?,
            }
        };
        if count == 0 {
            return Err(LinkError::Closed);
        }
        self.input.extend_from_slice(&chunk[..count]);
        let mut used = 0;
        while let Some((bytes, length)) = frame::split(&self.input[used..])? {
            let command = message::decode(bytes)?;
            used += length;
            self.obey(command);
        }
        self.input.drain(..used);
        Ok(())
    }

    fn send(&mut self, message: &FromWorker<'_>) -> Result<(), LinkError> {
        self.owner.check()?;
        self.output.clear();
        let mark = frame::begin(&mut self.output);
        message::encode(message, &mut self.output);
        frame::finish(&mut self.output, mark).map_err(too_long)?;
        let mut rest = self.output.as_slice();
        while !rest.is_empty() {
            match send(&self.socket, rest, SendFlags::NOSIGNAL) {
                Ok(count) => rest = &rest[count..],
                Err(Errno::INTR) => {}
                Err(Errno::PIPE | Errno::CONNRESET) => return Err(LinkError::Closed),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// A frame of our own is at fault only by its length.
fn too_long(error: WireError) -> LinkError {
    match error {
        WireError::TooLong(length) => LinkError::TooLong(length),
        other => LinkError::Wire(other),
    }
}
