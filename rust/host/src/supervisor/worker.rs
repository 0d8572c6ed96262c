//! One worker as the supervisor sees it.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::time::Duration;

use engine::wire::frame;
use engine::wire::message::{self, ToWorker};
use engine::{Slot, TestId};
use rustix::buffer::spare_capacity;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use rustix::process::{Pid, Signal, pidfd_send_signal};

use super::debugger::Terminal;
use super::lines::Lines;
use crate::process::{Blow, Evidence, NearEnds, Tail, end_of, signal_group};

/// How many tests that ran before are named when a worker dies.
const REMEMBERED: usize = 20;

/// How much is asked for at once, in bytes; a socket holds about three times as much.
const CHUNK: usize = 64 * 1024;

/// What a worker may say that nobody asked for, in plain messages. A few are usual: it is ready, it stops the session.
const FREE_WORDS: u32 = 4096;

/// And what it may say to each command and to each test in one. Four are usual: begun, ended, what is next, all said;
/// an error between tests, which is seldom, counts for sixteen.
const WORDS_PER_TEST: u32 = 32;

/// Somebody may stop a test at breakpoints as often as he likes: the terminal is asked for, and given back.
const WORDS_PER_DEBUGGER: u32 = 2;

/// Where a worker stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The zygote was asked.
    Forking,
    /// It runs.
    Alive,
    /// Its process is gone since then; the zygote was asked to reap it.
    Dying(Duration),
}

/// What a worker has said of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// What it writes now, when it collects by itself, the controller wrote too.
    Nothing,
    /// It waits for tests, or has begun some.
    Ready,
    /// It has torn everything down.
    Goodbye,
}

/// A worker and everything that belongs to it.
pub(super) struct Worker {
    pub(super) slot: Slot,
    pub(super) attempt: u32,
    /// Which zygote was asked; `None` = it is a child of this process.
    pub(super) zygote: Option<u32>,
    pub(super) stage: Stage,
    /// To be killed as soon as it exists.
    pub(super) doomed: bool,
    pub(super) pid: Option<Pid>,
    pub(super) pidfd: Option<OwnedFd>,
    pub(super) near: NearEnds,
    pub(super) socket_open: bool,
    pub(super) pipes_open: [bool; 2],
    pub(super) input: Vec<u8>,
    pub(super) pending: Vec<u8>,
    /// What it may still say.
    words: u32,
    pub(super) tails: [Tail; 2],
    /// What is to be shown but is no whole line yet, by stream.
    pub(super) lines: [Lines; 2],
    pub(super) terminal: Terminal,
    /// Where in the fault file that begins which was not written for somebody who asked.
    pub(super) fault_from: u64,
    /// What py-spy saw at a limit.
    pub(super) native: String,
    pub(super) running: Option<(TestId, Duration)>,
    pub(super) before: VecDeque<TestId>,
    pub(super) said: Said,
}

impl Worker {
    pub(super) fn new(slot: Slot, attempt: u32, zygote: Option<u32>, near: NearEnds) -> Self {
        Self {
            slot,
            attempt,
            zygote,
            stage: Stage::Forking,
            doomed: false,
            pid: None,
            pidfd: None,
            near,
            socket_open: true,
            pipes_open: [true; 2],
            input: Vec::new(),
            pending: Vec::new(),
            words: FREE_WORDS,
            tails: Default::default(),
            lines: Default::default(),
            terminal: Terminal::default(),
            fault_from: 0,
            native: String::new(),
            running: None,
            before: VecDeque::new(),
            said: Said::Nothing,
        }
    }

    /// Remembers that a test is over.
    pub(super) fn remember(&mut self, test: TestId) {
        if self.before.len() == REMEMBERED {
            self.before.pop_front();
        }
        self.before.push_back(test);
    }

    /// Counts a message; `false` = that is one too many.
    pub(super) fn spend(&mut self, price: u32) -> bool {
        let left = self.words.checked_sub(price);
        self.words = left.unwrap_or(0);
        left.is_some()
    }

    /// Sends a command, as much of it as fits now; the rest goes when the socket takes it.
    pub(super) fn send(&mut self, command: &ToWorker) {
        let words = match command {
            ToWorker::Run { tests, .. } => (1 + tests.len() as u32).saturating_mul(WORDS_PER_TEST),
            ToWorker::Idle | ToWorker::Finish => WORDS_PER_TEST,
            ToWorker::TerminalLent => WORDS_PER_DEBUGGER,
            // They ask for nothing.
            ToWorker::AllHeard | ToWorker::TerminalRefused | ToWorker::Suite { .. } => 0,
        };
        self.words = self.words.saturating_add(words);
        let mark = frame::begin(&mut self.pending);
        message::encode(command, &mut self.pending);
        // A command is a few kilobytes at most: it is never too long.
        if frame::finish(&mut self.pending, mark).is_ok() {
            self.flush();
        }
    }

    /// Sends what is pending. A worker that no longer reads is dead or dying, which its pidfd tells.
    pub(super) fn flush(&mut self) {
        while !self.pending.is_empty() {
            match send(&self.near.socket, &self.pending, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
                Ok(count) => drop(self.pending.drain(..count)),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                Err(_) => self.pending.clear(),
            }
        }
    }

    /// Reads what the worker sent, up to `most` bytes. `true` = something came.
    pub(super) fn read_socket(&mut self, most: usize) -> bool {
        let mut total = 0;
        while self.socket_open && total < most {
            self.input.reserve(CHUNK);
            match recv(&self.near.socket, spare_capacity(&mut self.input), RecvFlags::DONTWAIT) {
                Ok((0, _)) => self.socket_open = false,
                Ok((count, _)) => total += count,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Err(_) => self.socket_open = false,
            }
        }
        total > 0
    }

    /// Reads what the worker wrote past the capture; returns it for those who show it.
    pub(super) fn read_pipe(&mut self, index: usize) -> Vec<u8> {
        let mut all = Vec::with_capacity(CHUNK);
        // A worker that writes without pause must not hold up the others.
        while self.pipes_open[index] && all.len() < CHUNK {
            match rustix::io::read(&self.near.pipes[index], spare_capacity(&mut all)) {
                Ok(0) => self.pipes_open[index] = false,
                Ok(_) | Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Err(_) => self.pipes_open[index] = false,
            }
        }
        self.tails[index].push(&all);
        all
    }

    /// Signals the worker and what it started.
    pub(super) fn strike(&mut self, blow: Blow) {
        match (self.stage, self.pid) {
            (Stage::Forking, _) if blow == Blow::Stop || blow == Blow::Continue => {}
            (Stage::Forking, _) => self.doomed = true,
            (_, Some(pid)) => {
                signal_group(pid, blow);
                if self.terminal == Terminal::Lent {
                    // It has left its group for the controller's, which is not to be signalled.
                    self.send_signal(blow.signal());
                }
            }
            _ => {}
        }
    }

    /// Signals the worker alone.
    pub(super) fn signal(&self, number: i32) {
        // SAFETY: the number is SIGINT or a real-time signal that the C library leaves to programs.
        self.send_signal(unsafe { Signal::from_raw_unchecked(number) });
    }

    fn send_signal(&self, signal: Signal) {
        if self.stage == Stage::Alive
            && let Some(pidfd) = &self.pidfd
        {
            let _ = pidfd_send_signal(pidfd, signal);
        }
    }

    /// What was written to the fault file behind this mark, for somebody who asked: it is no evidence of later troubles.
    pub(super) fn stacks_since(&mut self, mark: u64) -> String {
        let stacks = end_of(&self.near.fault, mark);
        self.fault_from = mark + stacks.len() as u64;
        stacks
    }

    /// What it leaves behind, as far as files and pipes tell.
    pub(super) fn evidence(&self, now: Duration) -> Evidence {
        Evidence {
            elapsed: self.running.map_or(Duration::ZERO, |(_, since)| now.saturating_sub(since)),
            stacks: end_of(&self.near.fault, self.fault_from),
            native: self.native.clone(),
            captured: [end_of(&self.near.capture[0], 0), end_of(&self.near.capture[1], 0)],
            output: [self.tails[0].text(), self.tails[1].text()],
            before: self.before.iter().copied().collect(),
            ..Evidence::default()
        }
    }
}
