//! What comes in, as events.

use std::os::fd::OwnedFd;

use engine::wire::frame;
use engine::wire::message::{self, FromWorker, FromZygote, ToWorker};
use engine::{Event, FixtureSetUp, Slot, TestId};
use rustix::process::Pid;

use super::worker::{Said, Stage, Worker};
use super::zygotes::ZYGOTE_GONE;
use super::{AtHand, Message, Supervisor, measured};
use crate::process::{Blow, End};

/// So much is read of one worker at a time, in bytes, before the others have their turn.
pub(super) const TURN: usize = 1024 * 1024;

impl Supervisor {
    pub(super) fn hear_zygote(&mut self, id: u32) {
        match self.zygotes.receive(id) {
            Ok(Some((FromZygote::Forked { slot, pid }, pidfd))) => self.worker_exists(slot, pid, pidfd),
            Ok(Some((FromZygote::ForkFailed { slot, reason }, _))) => self.start_failed(slot, reason),
            Ok(Some((FromZygote::Reaped { pid, status, cpu, peak_memory }, _))) => {
                self.worker_reaped(pid, End { status, cpu, peak_memory });
            }
            Ok(Some((FromZygote::Hello { .. }, _)) | None) => {}
            Err(_) => self.zygote_died(id),
        }
    }

    /// Its process is gone. Its socket may be open for longer: a child that it forked a moment ago holds it too.
    pub(super) fn zygote_ended(&mut self, id: u32) {
        while self.zygotes.has_spoken(id) {
            self.hear_zygote(id);
        }
        self.zygote_died(id);
    }

    pub(super) fn worker_exists(&mut self, slot: Slot, pid: i32, pidfd: Option<OwnedFd>) {
        let now = self.clock.now();
        let Some(worker) = self.worker(slot).filter(|worker| worker.stage == Stage::Forking) else { return };
        worker.pid = Pid::from_raw(pid);
        worker.pidfd = pidfd;
        worker.stage = Stage::Alive;
        let attempt = worker.attempt;
        if worker.doomed {
            worker.strike(Blow::Kill);
        }
        self.journal.worker_started(now, slot, pid, attempt);
    }

    /// A zygote is gone: what it had been asked for is asked again of the spare by way of the engine, and the workers
    /// that died under it are reaped here.
    fn zygote_died(&mut self, zygote: u32) {
        if !self.zygotes.bury(zygote) {
            return;
        }
        self.orphanage.zygote_lost();
        let of_it = |worker: &&Worker| worker.zygote == Some(zygote);
        let forking: Vec<_> = self
            .workers
            .iter()
            .flatten()
            .filter(of_it)
            .filter(|worker| worker.stage == Stage::Forking)
            .map(|worker| worker.slot)
            .collect();
        let dying: Vec<_> = self
            .workers
            .iter()
            .flatten()
            .filter(of_it)
            .filter(|worker| matches!(worker.stage, Stage::Dying(_)))
            .filter_map(|worker| worker.pid)
            .collect();
        for pid in dying {
            let pid = pid.as_raw_nonzero().get();
            self.worker_reaped(pid, crate::process::wait_for(pid));
        }
        for slot in forking {
            self.start_failed(slot, ZYGOTE_GONE.to_owned());
        }
    }

    fn start_failed(&mut self, slot: Slot, reason: String) {
        if let Some(place) = self.workers.get_mut(slot.index()) {
            *place = None;
        }
        self.tell(Message::StartFailed { slot, reason });
        self.feed(Event::StartFailed { slot });
    }

    pub(super) fn hear_worker(&mut self, slot: Slot) {
        let Some(worker) = self.worker(slot) else { return };
        worker.read_socket(TURN);
        // What was printed before something was said comes before it.
        self.hear_pipes(slot);
        self.handle_frames(slot);
    }

    /// Handles every whole frame that was read.
    pub(super) fn handle_frames(&mut self, slot: Slot) {
        let Some(worker) = self.worker(slot) else { return };
        let mut input = std::mem::take(&mut worker.input);
        let mut used = 0;
        loop {
            match frame::split(&input[used..]) {
                Ok(Some((bytes, length))) => {
                    used += length;
                    match message::decode(bytes) {
                        Ok(message) if self.may_say(slot, &message) => self.hear(slot, message),
                        _ => return self.distrust(slot),
                    }
                }
                Ok(None) => break,
                Err(_) => return self.distrust(slot),
            }
        }
        input.drain(..used);
        self.with(slot, |worker| worker.input = input);
    }

    /// Whether it has not said far more than anybody asked it for: what is heard is kept, so a flood has an end.
    fn may_say(&mut self, slot: Slot, message: &FromWorker<'_>) -> bool {
        let price = match message {
            // Python keeps a report of each.
            FromWorker::BetweenTests { .. } | FromWorker::Stop { .. } | FromWorker::Finished { .. } => 16,
            _ => 1,
        };
        self.worker(slot).is_some_and(|worker| worker.spend(price))
    }

    /// A worker that sends what is no message has lost its mind; its death is handled like any other.
    fn distrust(&mut self, slot: Slot) {
        self.with(slot, |worker| {
            worker.socket_open = false;
            worker.tails[1].push(b"\npytest-concurrent: the worker sent what no worker sends and was ended\n");
            worker.strike(Blow::Kill);
        });
    }

    fn hear(&mut self, slot: Slot, message: FromWorker<'_>) {
        let now = self.clock.now();
        match message {
            FromWorker::Ready => {
                self.journal.worker_ready(now, slot);
                // What is in the pipes was written before.
                for index in [0, 1] {
                    self.hear_pipe(slot, index);
                }
                self.with(slot, |worker| worker.said = Said::Ready);
                if let Some((attempt, pid)) = self.worker(slot).map(|worker| (worker.attempt, worker.pid)) {
                    let pid = pid.map_or(0, |pid| pid.as_raw_nonzero().get());
                    self.tell(Message::Ready { slot, attempt, pid });
                }
                self.feed(Event::WorkerReady { slot });
            }
            FromWorker::Lacking { mut tests } => {
                tests.retain(|test| self.run.may_lack(slot, *test));
                tests.sort_unstable();
                tests.dedup();
                self.tell(Message::Lacking { slot, tests: tests.clone() });
                self.feed(Event::Lacking { slot, tests });
            }
            FromWorker::Started { test } => self.test_started(slot, test),
            FromWorker::Ended { .. } => self.test_ended(slot, message),
            FromWorker::NextWanted { seen } => {
                self.feed(Event::NextWanted { slot, seen });
            }
            FromWorker::BetweenTests { failures, message, payload } => {
                self.journal.error_between_tests(now, slot, message);
                self.tell(Message::BetweenTests { slot, payload: payload.to_vec() });
                self.feed(Event::ErrorBetweenTests { slot, failures });
            }
            FromWorker::Stop { kind, text, code } => {
                self.tell(Message::Stop { slot, kind, text: text.to_owned(), code });
                self.feed(Event::StopAsked { slot, kind });
            }
            FromWorker::DebuggerWanted => self.debugger_wanted(slot),
            FromWorker::DebuggerDone => self.debugger_done(slot),
            FromWorker::AllSaid => self.with(slot, |worker| worker.send(&ToWorker::AllHeard)),
            FromWorker::Finished { payload } => {
                self.with(slot, |worker| worker.said = Said::Goodbye);
                self.tell(Message::Finished { slot, payload: payload.to_vec() });
                self.feed(Event::WorkerFinished { slot });
            }
        }
    }

    fn test_started(&mut self, slot: Slot, test: TestId) {
        if !self.run.may_begin(slot, test) {
            return;
        }
        let now = self.clock.now();
        self.with(slot, |worker| worker.running = Some((test, now)));
        self.journal.test_started(now, slot, test);
        self.feed(Event::TestStarted { slot, test });
    }

    fn test_ended(&mut self, slot: Slot, message: FromWorker<'_>) {
        let FromWorker::Ended { test, verdict, failures, timing, mut set_ups, message, payload, next } = message else {
            return;
        };
        if !self.run.may_end(slot, test) {
            // It has claimed what follows all the same.
            return next.into_iter().for_each(|next| self.test_started(slot, next));
        }
        for (_, seconds) in &mut set_ups {
            *seconds = measured::seconds(*seconds);
        }
        let timing = measured::timing(timing, &self.clock);
        self.end_lines(slot);
        let now = self.clock.now();
        self.with(slot, |worker| {
            worker.remember(test);
            worker.running = None;
        });
        for (fixture, seconds) in &set_ups {
            self.journal.fixture_set_up(now, slot, *fixture, *seconds);
        }
        self.at_hand = Some(AtHand { test, timing, failures, message: message.to_owned(), payload: payload.to_vec() });
        let set_ups = set_ups.into_iter().map(|(fixture, seconds)| FixtureSetUp { fixture, seconds }).collect();
        self.feed(Event::TestEnded { slot, test, verdict, failures, timing, set_ups });
        self.at_hand = None;
        if let Some(next) = next {
            self.test_started(slot, next);
        }
    }
}
