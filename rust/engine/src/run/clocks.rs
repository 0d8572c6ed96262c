//! Deadlines: what to do when time has passed.

use std::time::Duration;

use crate::command::{Command, Notice};
use crate::event::Shared;
use crate::ids::{Slot, TestId};
use crate::policy::{Alarm, Cause, Charge, Escalation, Step, Watch};
use crate::run::Run;
use crate::run::worker::RunningTest;

/// A test that runs so much longer than its estimate is taken for a long one, and what waits behind it goes to
/// others. A few tens of milliseconds: less would move tests about whenever the machine is busy for a moment.
const OVERRUN: Duration = Duration::from_millis(30);

impl Run {
    /// When a [`crate::Event::Tick`] is needed if nothing else happens before; `None` = not at all.
    pub fn next_deadline(&self) -> Option<Duration> {
        if self.over {
            return None;
        }
        let workers = self.slots().filter_map(|slot| self.worker_deadline(slot));
        let deadline = workers.chain(self.clock.deadline().filter(|_| self.started)).min()?;
        self.time.outside(deadline)
    }

    /// Nothing is gained by waiting any longer.
    pub(super) fn on_stacks_written(&mut self, slot: Slot) {
        let now = self.now;
        if let Some(escalation) = self.worker_mut(slot).and_then(|worker| worker.escalation.as_mut()) {
            escalation.stacks_written(now);
        }
    }

    pub(super) fn check_clocks(&mut self) {
        self.check_run();
        for slot in self.slots() {
            self.check_test(slot);
            self.check_worker(slot);
            self.relieve(slot);
            self.take_steps(slot);
        }
    }

    /// Nothing counts from here on.
    pub(super) fn stand_still(&mut self) {
        self.time.stop();
        self.look_at_tests();
    }

    /// Everything counts again.
    pub(super) fn go_on(&mut self) {
        self.time.go_on();
        self.look_at_tests();
    }

    /// Around time that does not count: how much of it went to what tests share cannot be found out later.
    pub(super) fn look_at_tests(&mut self) {
        let is_testing = |slot: &Slot| self.worker(*slot).is_some_and(|worker| worker.running.is_some());
        let looks: Vec<_> = self.slots().filter(is_testing).map(|slot| Command::Look { slot }).collect();
        self.commands.extend(looks);
    }

    fn check_run(&mut self) {
        let now = self.now;
        match self.clock.check(now) {
            Some(Alarm::Near { elapsed, limit }) => self.tell(Notice::RunNearLimit { elapsed, limit }),
            Some(Alarm::Over) => self.stop_at_run_limit(),
            None => {}
        }
    }

    fn check_test(&mut self, slot: Slot) {
        let (now, patience) = (self.now, self.limits().slow);
        let Some(running) = self.worker_mut(slot).and_then(|worker| worker.running.as_mut()) else { return };
        let (test, elapsed) = (running.test, running.clock.elapsed(now));
        let (wants_look, is_slow) = (running.clock.wants_look(now), running.is_slow(elapsed, patience));
        if wants_look {
            self.commands.push(Command::Look { slot });
        }
        if is_slow {
            self.tell(Notice::Slow { slot, test, elapsed });
        }
    }

    /// What the worker is at now, and whether a limit has passed.
    pub(super) fn on_looked(&mut self, slot: Slot, test: TestId, shared: Shared) {
        let (now, lost) = (self.now, self.time.lost());
        let grace = self.limits().grace;
        let Some(running) = self.worker_mut(slot).and_then(|worker| worker.running.as_mut()) else { return };
        if running.test != test {
            match running.clock.unheard(now, grace) {
                Some(Charge::Test) => self.end_worker(slot, Cause::TestLimit),
                Some(Charge::Worker) => self.end_worker(slot, Cause::WorkerLimit),
                None => {}
            }
            return;
        }
        match running.clock.seen(now, lost, shared) {
            Some((Charge::Test, Alarm::Near { elapsed, limit })) => {
                self.tell(Notice::TestNearLimit { slot, test, elapsed, limit });
            }
            Some((Charge::Worker, Alarm::Near { elapsed, limit })) => {
                self.tell(Notice::WorkerNearLimit { slot, test: Some(test), elapsed, limit });
            }
            Some((Charge::Test, Alarm::Over)) => self.end_worker(slot, Cause::TestLimit),
            Some((Charge::Worker, Alarm::Over)) => self.end_worker(slot, Cause::SharedLimit),
            None => {}
        }
    }

    fn check_worker(&mut self, slot: Slot) {
        let now = self.now;
        let Some(watch) = self.worker_mut(slot).and_then(|worker| worker.watch.as_mut()) else { return };
        match watch.check(now) {
            Some(Alarm::Near { elapsed, limit }) => {
                self.tell(Notice::WorkerNearLimit { slot, test: None, elapsed, limit });
            }
            Some(Alarm::Over) => self.end_worker(slot, Cause::WorkerLimit),
            None => {}
        }
    }

    /// Begin to end a worker that has reached a limit. What waits there must not start meanwhile.
    fn end_worker(&mut self, slot: Slot, cause: Cause) {
        let escalation = Escalation::at_limit(cause, self.now, self.limits());
        if let Some(worker) = self.worker_mut(slot) {
            worker.escalation.get_or_insert(escalation);
        }
        self.take_back(slot);
    }

    /// Nothing waits behind a test that turns out long.
    fn relieve(&mut self, slot: Slot) {
        let now = self.now;
        if self.relief_deadline(slot).is_none_or(|deadline| deadline > now) {
            return;
        }
        if let Some(running) = self.worker_mut(slot).and_then(|worker| worker.running.as_mut()) {
            running.relieved = true;
        }
        self.take_back(slot);
    }

    fn take_steps(&mut self, slot: Slot) {
        let now = self.now;
        while let Some(step) = self.worker_mut(slot).and_then(|worker| worker.escalation.as_mut()?.due(now)) {
            let is_testing = self.worker(slot).is_some_and(|worker| worker.running.is_some());
            match step {
                Step::DumpStacks => self.commands.push(Command::DumpStacks { slot }),
                // Between tests there is only teardown, which has the second grace anyway.
                Step::Interrupt if is_testing => self.commands.push(Command::Interrupt { slot }),
                Step::Interrupt => {}
                Step::Terminate => self.commands.push(Command::Terminate { slot }),
                Step::Kill => self.commands.push(Command::Kill { slot }),
            }
        }
    }

    fn worker_deadline(&self, slot: Slot) -> Option<Duration> {
        let worker = self.worker(slot)?;
        let running = worker.running.as_ref();
        let naming = running.and_then(|running| running.slow_deadline(self.limits().slow));
        let pause = Some(worker.not_before).filter(|_| self.waits_for_pause(slot));
        let test = running.and_then(|running| running.clock.deadline());
        let own = worker.watch.as_ref().and_then(Watch::deadline);
        let step = worker.escalation.as_ref().and_then(Escalation::deadline);
        [naming, pause, test, own, step, self.relief_deadline(slot)].into_iter().flatten().min()
    }

    fn relief_deadline(&self, slot: Slot) -> Option<Duration> {
        let running = self.worker(slot)?.running.as_ref()?;
        let overdue = || running.clock.since().saturating_add(running.estimate).saturating_add(OVERRUN);
        self.holds_up_others(slot).then(overdue)
    }

    pub(super) fn tell(&mut self, notice: Notice) {
        self.commands.push(Command::Tell(notice));
    }
}

impl RunningTest {
    /// Whether it is time to name the test (again): at `slow`, twice, four times as long, and so on.
    fn is_slow(&mut self, elapsed: Duration, slow: Duration) -> bool {
        if slow.is_zero() || elapsed < self.slow_again(slow) {
            return false;
        }
        while self.slow_again(slow) <= elapsed && self.named_slow < u32::BITS {
            self.named_slow += 1;
        }
        true
    }

    fn slow_deadline(&self, slow: Duration) -> Option<Duration> {
        (!slow.is_zero()).then(|| self.clock.since().saturating_add(self.slow_again(slow)))
    }

    /// How long a test runs when it is named next.
    fn slow_again(&self, slow: Duration) -> Duration {
        1_u32.checked_shl(self.named_slow).map_or(Duration::MAX, |doubled| slow.saturating_mul(doubled))
    }
}
