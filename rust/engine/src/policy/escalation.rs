//! Ending a worker: politely first, then not.

use std::collections::VecDeque;
use std::time::Duration;

use crate::suite::Limits;

/// Why a worker is being ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Its test ran too long.
    TestLimit,
    /// What its test shares with others took too long to set up or to tear down.
    SharedLimit,
    /// It took too long to start, to leave, or to go on between two tests.
    WorkerLimit,
    /// The run took too long.
    RunLimit,
    /// Ctrl-C or SIGTERM.
    Interrupted,
}

/// One thing to do to a worker that has to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    DumpStacks,
    Interrupt,
    Terminate,
    Kill,
}

/// The steps that are still to be taken against one worker, each at its time.
#[derive(Clone, Debug)]
pub(crate) struct Escalation {
    cause: Cause,
    steps: VecDeque<(Duration, Step)>,
    taken: Option<Step>,
}

impl Escalation {
    /// A limit is reached at `at`: stacks, SIGTERM, and after the grace SIGKILL.
    pub(crate) fn at_limit(cause: Cause, at: Duration, limits: Limits) -> Self {
        let terminate = at.saturating_add(limits.stacks);
        let kill = terminate.saturating_add(limits.grace);
        let steps = [(at, Step::DumpStacks), (terminate, Step::Terminate), (kill, Step::Kill)];
        Self { cause, steps: steps.into(), taken: None }
    }

    /// Ctrl-C: `grace` for the test, KeyboardInterrupt, `grace` for its teardown, SIGKILL.
    pub(crate) fn after_interrupt(now: Duration, grace: Duration) -> Self {
        let interrupt = now.saturating_add(grace);
        let steps = [(interrupt, Step::Interrupt), (interrupt.saturating_add(grace), Step::Kill)];
        Self { cause: Cause::Interrupted, steps: steps.into(), taken: None }
    }

    /// The second Ctrl-C: now.
    pub(crate) fn at_once(now: Duration) -> Self {
        Self { cause: Cause::Interrupted, steps: [(now, Step::Kill)].into(), taken: None }
    }

    /// Skip what is polite.
    pub(crate) fn hasten(&mut self, now: Duration) {
        if self.taken != Some(Step::Kill) {
            self.steps = [(now, Step::Kill)].into();
        }
    }

    /// The stacks are written: what follows comes so much sooner.
    pub(crate) fn stacks_written(&mut self, now: Duration) {
        let next = self.steps.front().map(|(at, step)| (*step, at.saturating_sub(now)));
        if let (Some(Step::DumpStacks), Some((Step::Terminate, early))) = (self.taken, next) {
            for (at, _) in &mut self.steps {
                *at = at.saturating_sub(early);
            }
        }
    }

    pub(crate) fn cause(&self) -> Cause {
        self.cause
    }

    /// Whether nothing that the worker says from now on counts. A test is over at a limit: the signal that writes
    /// the stacks cuts short what it waits for in C, and it would pass for having been disturbed.
    pub(crate) fn is_final(&self) -> bool {
        let told = matches!(self.taken, Some(Step::Terminate | Step::Kill));
        match self.cause {
            Cause::TestLimit | Cause::SharedLimit => self.has_begun(),
            Cause::WorkerLimit | Cause::RunLimit => told,
            Cause::Interrupted => false,
        }
    }

    /// Whether any step was taken.
    pub(crate) fn has_begun(&self) -> bool {
        self.taken.is_some()
    }

    /// Whether the worker's death is our doing.
    pub(crate) fn has_acted(&self) -> bool {
        matches!(self.taken, Some(Step::Interrupt | Step::Terminate | Step::Kill))
    }

    /// The next step that is due; ask again until it is `None`.
    pub(crate) fn due(&mut self, now: Duration) -> Option<Step> {
        let (at, step) = *self.steps.front()?;
        if at > now {
            return None;
        }
        self.steps.pop_front();
        self.taken = Some(step);
        Some(step)
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.steps.front().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Half a second for the stacks, five seconds of grace.
    fn limits() -> Limits {
        Limits { test: None, worker: SECOND, run: None, slow: SECOND, stacks: SECOND / 2, grace: 5 * SECOND }
    }

    #[test]
    fn limit_dumps_then_terminates_then_kills() {
        let mut escalation = Escalation::at_limit(Cause::WorkerLimit, SECOND, limits());
        assert_eq!(escalation.due(SECOND), Some(Step::DumpStacks));
        assert_eq!(escalation.due(SECOND), None);
        assert!(!escalation.is_final());
        assert_eq!(escalation.due(SECOND * 3 / 2), Some(Step::Terminate));
        assert!(escalation.is_final());
        assert_eq!(escalation.deadline(), Some(SECOND * 13 / 2));
        assert_eq!(escalation.due(7 * SECOND), Some(Step::Kill));
        assert_eq!((escalation.due(99 * SECOND), escalation.deadline()), (None, None));
    }

    #[test]
    fn written_stacks_hasten_what_follows_once() {
        let mut escalation = Escalation::at_limit(Cause::TestLimit, SECOND, limits());
        escalation.stacks_written(SECOND / 2);
        assert_eq!(escalation.due(SECOND), Some(Step::DumpStacks));
        escalation.stacks_written(SECOND * 5 / 4);
        assert_eq!(escalation.due(SECOND * 5 / 4), Some(Step::Terminate));
        escalation.stacks_written(SECOND * 5 / 4);
        assert_eq!(escalation.deadline(), Some(SECOND * 25 / 4));
    }

    #[test]
    fn test_is_over_at_its_limit() {
        let mut escalation = Escalation::at_limit(Cause::TestLimit, SECOND, limits());
        assert!(!escalation.is_final());
        assert_eq!(escalation.due(SECOND), Some(Step::DumpStacks));
        assert!(escalation.is_final());
    }

    #[test]
    fn interrupt_waits_for_grace_twice() {
        let mut escalation = Escalation::after_interrupt(SECOND, 5 * SECOND);
        assert_eq!(escalation.due(5 * SECOND), None);
        assert!(!escalation.has_acted());
        assert_eq!(escalation.due(6 * SECOND), Some(Step::Interrupt));
        assert_eq!(escalation.due(11 * SECOND), Some(Step::Kill));
        assert!(escalation.has_acted() && !escalation.is_final());
    }

    #[test]
    fn hastened_escalation_kills_only_once() {
        let mut escalation = Escalation::after_interrupt(SECOND, 5 * SECOND);
        escalation.hasten(2 * SECOND);
        assert_eq!(escalation.due(2 * SECOND), Some(Step::Kill));
        escalation.hasten(3 * SECOND);
        assert_eq!(escalation.due(9 * SECOND), None);
    }
}
