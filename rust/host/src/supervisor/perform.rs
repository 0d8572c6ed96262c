//! What the engine commands, done.

use std::os::fd::AsFd;
use std::time::Duration;

use engine::wire::message::{ToWorker, ToZygote};
use engine::{Command, Event, Notice, Slot, TestId, Timing, Verdict};

use super::worker::{Stage, Worker};
use super::zygotes::refusal;
use super::{Message, Supervisor, TestResult};
use crate::process::{Blow, Spawner, Started, open_descriptors};

impl Supervisor {
    pub(super) fn perform(&mut self, commands: Vec<Command>) {
        for command in commands {
            self.perform_one(command);
        }
    }

    fn perform_one(&mut self, command: Command) {
        match command {
            Command::StartWorker { slot } => self.start_worker(slot),
            Command::Run { slot, tests } => self.hand_out(slot, tests),
            Command::Idle { slot } => self.with(slot, |worker| worker.send(&ToWorker::Idle)),
            Command::Finish { slot } => self.with(slot, |worker| worker.send(&ToWorker::Finish)),
            Command::TakeBack { slot } => {
                // Answered before the commands that follow: they count on it.
                let left = self.page.take_back(slot);
                let commands = self.run.handle(Event::TakenBack { slot, left }, self.clock.now());
                self.perform(commands);
            }
            Command::Look { slot } => {
                let (test, shared) = self.page.shared(slot);
                let commands = self.run.handle(Event::Looked { slot, test, shared }, self.clock.now());
                self.perform(commands);
            }
            Command::DumpStacks { slot } => self.dump_stacks(slot),
            Command::Interrupt { slot } => self.with(slot, |worker| worker.signal(libc::SIGINT)),
            Command::Terminate { slot } => self.with(slot, |worker| worker.strike(Blow::Terminate)),
            Command::Kill { slot } => self.kill(slot),
            Command::LendTerminal { slot } => self.announce_debugger(slot),
            Command::RefuseTerminal { slot } => self.refuse_terminal(slot),
            Command::ReclaimTerminal { slot } => self.tell(Message::DebuggerOver { slot }),
            Command::Settle { test, slot, verdict } => self.settle(test, slot, verdict),
            Command::Ask { test, slot, verdict } => {
                let evidence = self.evidence.take().unwrap_or_default();
                self.suspects.insert(test, evidence.clone());
                self.tell(Message::Asked { slot, test, verdict, evidence });
            }
            Command::WorkerLost { slot, finishing, hung } => {
                let evidence = self.evidence.take().unwrap_or_default();
                self.tell(Message::WorkerLost { slot, finishing, hung, evidence });
            }
            Command::Tell(notice) => {
                let doing = match notice {
                    Notice::WorkerNearLimit { slot, .. } => self.page.sharing(slot),
                    _ => String::new(),
                };
                self.journal.notice(self.clock.now(), &notice, &doing);
                self.tell(Message::Notice { notice, doing });
            }
            Command::End(ending) => {
                self.over = true;
                self.ending = ending;
            }
        }
    }

    /// A worker that nobody has forked by now shows a zygote that hangs, in a fork handler of a library perhaps: its
    /// spare takes over.
    fn kill(&mut self, slot: Slot) {
        let Some(worker) = self.worker(slot) else { return };
        worker.strike(Blow::Kill);
        if worker.stage == Stage::Forking
            && let Some(zygote) = worker.zygote
        {
            self.zygotes.kill(zygote);
        }
    }

    fn start_worker(&mut self, slot: Slot) {
        self.attempts[slot.index()] += 1;
        let attempt = self.attempts[slot.index()];
        self.page.clear(slot);
        let started = match self.spawner.as_mut().map(|spawner| spawner.take(slot, attempt)) {
            Some(spawned) => {
                spawned.map(|started| self.adopt(slot, attempt, started)).map_err(|error| error.to_string())
            }
            None => self.ask_for_fork(slot, attempt),
        };
        match started {
            Ok(()) if attempt > 1 => self.tell(Message::Replacing { slot, attempt }),
            Ok(()) => {}
            Err(reason) => {
                self.tell(Message::StartFailed { slot, reason });
                self.events.push_back(Event::StartFailed { slot });
            }
        }
    }

    fn ask_for_fork(&mut self, slot: Slot, attempt: u32) -> Result<(), String> {
        let (near, far) = open_descriptors().map_err(|error| error.to_string())?;
        let far: Vec<_> = far.iter().map(AsFd::as_fd).collect();
        let zygote = self.zygotes.send(ToZygote::Fork { slot, attempt }, &far).map_err(refusal)?;
        self.workers[slot.index()] = Some(Worker::new(slot, attempt, Some(zygote), near));
        Ok(())
    }

    /// A child of this process is the worker on this slot; it is told what the numbers of the run mean.
    fn adopt(&mut self, slot: Slot, attempt: u32, started: Started) {
        let mut worker = Worker::new(slot, attempt, None, started.near);
        if let Some(suite) = &self.suite {
            worker.send(suite);
        }
        self.workers[slot.index()] = Some(worker);
        self.worker_exists(slot, started.pid.as_raw_nonzero().get(), Some(started.pidfd));
    }

    /// Workers that were started before the run are of it, whether or not so many are needed.
    pub(super) fn adopt_early_workers(&mut self) {
        let mut early = self.spawner.as_ref().map(Spawner::early).unwrap_or_default();
        early.retain(|slot| slot.index() < self.workers.len());
        for slot in early {
            self.start_worker(slot);
            self.feed(Event::AlreadyStarted { slot });
        }
        if let Some(spawner) = &mut self.spawner {
            spawner.dismiss();
        }
    }

    fn hand_out(&mut self, slot: Slot, tests: Vec<TestId>) {
        match self.page.grant(slot, tests.len() as u32) {
            Some(epoch) => self.with(slot, |worker| worker.send(&ToWorker::Run { epoch, tests })),
            // 16 million tests without a pause on one worker: a fresh one can count again.
            None => self.with(slot, |worker| worker.strike(Blow::Kill)),
        }
    }

    fn settle(&mut self, test: TestId, slot: Option<Slot>, verdict: Verdict) {
        let now = self.clock.now();
        // A test that was broken off has no verdict of its own, but what it had told until then is told.
        if let Some(at_hand) = self.at_hand.take_if(|at_hand| at_hand.test == test)
            && let Some(slot) = slot
        {
            let result = TestResult { test, verdict, timing: at_hand.timing, slot: Some(slot) };
            self.journal.test_finished(now, result, at_hand.failures, &at_hand.message);
            let (seconds, payload) = (at_hand.timing.total(), at_hand.payload);
            return self.tell(Message::Ended { slot, test, verdict, seconds, payload });
        }
        let evidence = self.suspects.remove(&test).or_else(|| slot.and_then(|_| self.evidence.take()));
        let elapsed = evidence.as_ref().map_or(Duration::ZERO, |evidence| evidence.elapsed);
        let start = now.saturating_sub(elapsed).as_secs_f64();
        let timing = Timing { start, call: elapsed.as_secs_f64(), ..Timing::default() };
        let failures = u32::from(verdict != Verdict::NotRun);
        let message = evidence.as_ref().map_or("", |evidence| evidence.stacks.as_str());
        self.journal.test_finished(now, TestResult { test, verdict, timing, slot }, failures, message);
        self.tell(Message::Settled { slot, test, verdict, evidence });
    }
}
