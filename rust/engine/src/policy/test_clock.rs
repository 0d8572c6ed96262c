//! The clock of a running test. What it shares with others is not its own time, and has a limit of its own.
//!
//! When a worker enters and leaves a shared set-up it writes that down and tells nobody. So nothing is known here until
//! somebody looks, and that is needed only when an alarm would be due if the worker had been at the test all the time.

use std::time::Duration;

use crate::event::Shared;
use crate::policy::watch::{Alarm, Threshold};
use crate::suite::TestLimit;

/// Between two looks at least: what is over then is noticed so late at most.
const PACE: Duration = Duration::from_millis(50);

/// Whose limit it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Charge {
    /// The test's.
    Test,
    /// The worker's, for what tests share.
    Worker,
}

/// Measures the test's own time, and each shared set-up or teardown apart from it.
#[derive(Clone, Debug)]
pub(crate) struct TestClock {
    since: Duration,
    /// Time that had not counted when it began.
    lost: Duration,
    own: Threshold,
    with_shared: bool,
    shared: Threshold,
    /// For how long something shared had been under way when last looked at.
    within: Option<Duration>,
    look: Option<Duration>,
    /// Since when the worker has been seen at something else, without a word of how the test ended.
    silent_since: Option<Duration>,
}

impl TestClock {
    /// `limit` is the test's, `worker` that of what it shares.
    pub(crate) fn new(now: Duration, lost: Duration, limit: Option<TestLimit>, worker: Duration) -> Self {
        let (own, shared) = (Threshold::new(limit.map(|limit| limit.time)), Threshold::new(Some(worker)));
        let with_shared = limit.is_some_and(|limit| limit.with_shared);
        let mut clock =
            Self { since: now, lost, own, with_shared, shared, within: None, look: None, silent_since: None };
        clock.plan_look(now, Duration::ZERO);
        clock
    }

    pub(crate) fn since(&self) -> Duration {
        self.since
    }

    /// How long the test has kept its worker.
    pub(crate) fn elapsed(&self, now: Duration) -> Duration {
        now.saturating_sub(self.since)
    }

    /// When [`TestClock::wants_look`] is to be asked.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.look
    }

    /// Whether it is to be found out what the worker is at; [`TestClock::seen`] takes the answer.
    pub(crate) fn wants_look(&mut self, now: Duration) -> bool {
        let is_due = self.look.is_some_and(|look| look <= now);
        if is_due {
            self.look = Some(now.saturating_add(PACE));
        }
        is_due
    }

    /// What is due, and by whose limit. `lost` is the time that has not counted so far; the worker cannot know of it.
    pub(crate) fn seen(&mut self, now: Duration, lost: Duration, shared: Shared) -> Option<(Charge, Alarm)> {
        self.silent_since = None;
        let not_own = if self.with_shared { Duration::ZERO } else { shared.spent };
        let own = self.elapsed(now).saturating_sub(not_own);
        let within = shared.within.map(|within| within.saturating_sub(lost.saturating_sub(self.lost)));
        if within < self.within {
            self.shared.begin_anew();
        }
        self.within = within;
        let alarm = self.own.check(own).map(|alarm| (Charge::Test, alarm));
        let alarm = alarm.or_else(|| Some((Charge::Worker, self.shared.check(within?)?)));
        self.plan_look(now, own);
        if matches!(alarm, Some((_, Alarm::Over))) {
            self.look = None;
        }
        alarm
    }

    /// The worker was seen at something else: the end of the test will be heard next, unless the worker stopped amid
    /// telling of it. It has `grace` for that, and until a limit has passed.
    pub(crate) fn unheard(&mut self, now: Duration, grace: Duration) -> Option<Charge> {
        let silent = now.saturating_sub(*self.silent_since.get_or_insert(now));
        let (charge, is_over) = match self.own.limit() {
            Some(limit) => (Charge::Test, self.elapsed(now) >= limit),
            None => (Charge::Worker, self.shared.limit().is_some_and(|limit| silent >= limit)),
        };
        (silent >= grace && is_over).then_some(charge)
    }

    /// The first moment at which either limit can come near, whatever the worker does until then.
    fn plan_look(&mut self, now: Duration, own: Duration) {
        let own_left = self.own.next().map(|next| next.saturating_sub(own));
        let shared_left = self.shared.next().map(|next| next.saturating_sub(self.within.unwrap_or_default()));
        let left = own_left.into_iter().chain(shared_left).min();
        self.look = left.map(|left| now.saturating_add(left.max(PACE)));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn own(time: Duration) -> TestLimit {
        TestLimit::own(time)
    }

    /// Looks whenever the clock wants to, at a test that is within what it shares from `began` to `ended`; what was
    /// found over, and when.
    fn watched(
        limit: impl Into<Option<TestLimit>>,
        worker: Duration,
        began: Duration,
        ended: Duration,
    ) -> (Charge, Duration) {
        let mut clock = TestClock::new(Duration::ZERO, Duration::ZERO, limit.into(), worker);
        loop {
            let now = clock.deadline().expect("a test that never ends passes a limit");
            assert!(clock.wants_look(now));
            let spent = now.min(ended).saturating_sub(began);
            let within = (began <= now && now < ended).then(|| now.saturating_sub(began));
            if let Some((charge, Alarm::Over)) = clock.seen(now, Duration::ZERO, Shared { spent, within }) {
                assert_eq!(clock.deadline(), None);
                return (charge, now);
            }
        }
    }

    #[test]
    fn shared_set_up_does_not_count_as_the_tests() {
        assert_eq!(watched(own(SECOND), 30 * SECOND, SECOND / 2, 20 * SECOND), (Charge::Test, 41 * SECOND / 2));
    }

    #[test]
    fn shared_set_up_counts_where_the_limit_says_so() {
        let whole = Some(TestLimit { time: SECOND, with_shared: true });
        assert_eq!(watched(whole, 30 * SECOND, SECOND / 2, 20 * SECOND), (Charge::Test, SECOND));
    }

    #[test]
    fn shared_set_up_has_the_workers_limit() {
        assert_eq!(watched(own(SECOND), 5 * SECOND, SECOND / 2, 60 * SECOND), (Charge::Worker, 11 * SECOND / 2));
        assert_eq!(watched(None, 5 * SECOND, 9 * SECOND, Duration::MAX), (Charge::Worker, 14 * SECOND));
    }

    #[test]
    fn each_limit_is_announced_once_for_each_thing() {
        let mut clock = TestClock::new(Duration::ZERO, Duration::ZERO, None, 10 * SECOND);
        let mut look = |at: u32, within: u32| {
            let shared = Shared { spent: at * SECOND, within: Some(within * SECOND) };
            clock.seen(at * SECOND, Duration::ZERO, shared).map(|(_, alarm)| alarm)
        };
        let near = |elapsed: u32| Some(Alarm::Near { elapsed: elapsed * SECOND, limit: 10 * SECOND });
        assert_eq!([look(8, 8), look(9, 9)], [near(8), None]);
        // Another one.
        assert_eq!([look(12, 2), look(18, 8), look(20, 10)], [None, near(8), Some(Alarm::Over)]);
    }

    #[test]
    fn lost_time_counts_for_neither_limit() {
        let mut clock = TestClock::new(SECOND, 5 * SECOND, Some(own(SECOND)), SECOND);
        let shared = Shared { spent: 3600 * SECOND, within: Some(3600 * SECOND) };
        assert_eq!(clock.seen(3 * SECOND / 2, 3605 * SECOND, shared), None);
    }

    #[test]
    fn end_that_is_never_told_passes_a_limit() {
        let mut clock = TestClock::new(Duration::ZERO, Duration::ZERO, Some(own(5 * SECOND)), 60 * SECOND);
        let seen = [4, 6, 8, 9].map(|at| clock.unheard(at * SECOND, 5 * SECOND));
        assert_eq!(seen, [None, None, None, Some(Charge::Test)]);
        let mut clock = TestClock::new(Duration::ZERO, Duration::ZERO, None, 60 * SECOND);
        assert_eq!([48, 107, 108].map(|at| clock.unheard(at * SECOND, SECOND)), [None, None, Some(Charge::Worker)]);
    }

    proptest! {
        #[test]
        fn limits_are_noticed_in_time(
            limit in 0.1..20.0_f64, worker in 0.1..20.0_f64, began in 0.0..30.0_f64, length in 0.0..30.0_f64,
        ) {
            let (charge, at) = watched(own(seconds(limit)), seconds(worker), seconds(began), seconds(began + length));
            let expected = if began >= limit {
                (Charge::Test, limit)
            } else if length >= worker {
                (Charge::Worker, began + worker)
            } else {
                (Charge::Test, limit + length)
            };
            // A set-up that ends right at its limit may be seen or not.
            prop_assume!((length - worker).abs() > 0.2 && (began - limit).abs() > 0.2);
            prop_assert_eq!(charge, expected.0);
            let late = at.as_secs_f64() - expected.1;
            prop_assert!((-0.001..=0.051).contains(&late), "{late} s late");
        }
    }
}
