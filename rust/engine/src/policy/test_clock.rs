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
    own: Threshold,
    with_shared: bool,
    shared: Threshold,
    /// How it stood when last looked at.
    last: Sight,
    /// How much of the time for what it shares did not count.
    lost_shared: Duration,
    /// The part of that for what is under way.
    lost_within: Duration,
    /// For how long something shared has been under way, in time that counts.
    within: Option<Duration>,
    look: Option<Duration>,
    /// Since when the worker has been seen at something else, without a word of how the test ended.
    silent_since: Option<Duration>,
}

/// What was known at one moment.
#[derive(Clone, Copy, Debug)]
struct Sight {
    now: Duration,
    /// The time that had not counted.
    lost: Duration,
    /// What the worker had spent on what the test shares, by its own clock, which counts everything.
    spent: Duration,
}

impl TestClock {
    /// `lost` is the time that has not counted so far; `limit` is the test's, `worker` that of what it shares.
    pub(crate) fn new(now: Duration, lost: Duration, limit: Option<TestLimit>, worker: Duration) -> Self {
        let (own, shared) = (Threshold::new(limit.map(|limit| limit.time)), Threshold::new(Some(worker)));
        let with_shared = limit.is_some_and(|limit| limit.with_shared);
        let mut clock = Self {
            since: now,
            own,
            with_shared,
            shared,
            last: Sight { now, lost, spent: Duration::ZERO },
            lost_shared: Duration::ZERO,
            lost_within: Duration::ZERO,
            within: None,
            look: None,
            silent_since: None,
        };
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

    /// What is due, and by whose limit. `lost` is the time that has not counted so far; the worker cannot know of it,
    /// so there has to be a look right after each time that did not count.
    pub(crate) fn seen(&mut self, now: Duration, lost: Duration, shared: Shared) -> Option<(Charge, Alarm)> {
        self.silent_since = None;
        self.note_lost(Sight { now, lost, spent: shared.spent }, shared.within);
        let not_own = if self.with_shared { Duration::ZERO } else { shared.spent.saturating_sub(self.lost_shared) };
        let own = self.elapsed(now).saturating_sub(not_own);
        let within = shared.within.map(|within| within.saturating_sub(self.lost_within));
        self.within = within;
        let alarm = self.own.check(own).map(|alarm| (Charge::Test, alarm));
        let alarm = alarm.or_else(|| Some((Charge::Worker, self.shared.check(within?)?)));
        self.plan_look(now, own);
        if matches!(alarm, Some((_, Alarm::Over))) {
            self.look = None;
        }
        alarm
    }

    /// Finds out how much of the time that was lost since the last look went to what the test shares.
    fn note_lost(&mut self, sight: Sight, within: Option<Duration>) {
        let counted = sight.now.saturating_sub(self.last.now);
        let lost = sight.lost.saturating_sub(self.last.lost);
        let within = within.unwrap_or_default();
        // What was lost was lost just now; or nearly all time since the last look was.
        let lost_within = within.min(lost);
        let spent = sight.spent.saturating_sub(self.last.spent);
        let lost_shared = spent.saturating_sub(counted).min(lost).max(lost_within);
        self.lost_shared = self.lost_shared.saturating_add(lost_shared);
        if within < counted.saturating_add(lost) {
            // It has begun since the last look.
            self.shared.begin_anew();
            self.lost_within = Duration::ZERO;
        }
        self.lost_within = self.lost_within.saturating_add(lost_within);
        self.last = sight;
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
    use proptest::collection::vec;
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
        watched_with_pauses(limit, worker, (began, ended), &[])
    }

    /// The same where all stood still at some moments, in their order, for a while. The worker's own clock went on.
    fn watched_with_pauses(
        limit: impl Into<Option<TestLimit>>,
        worker: Duration,
        (began, ended): (Duration, Duration),
        pauses: &[(Duration, Duration)],
    ) -> (Charge, Duration) {
        let mut clock = TestClock::new(Duration::ZERO, Duration::ZERO, limit.into(), worker);
        let (mut lost, mut lost_shared, mut pauses) = (Duration::ZERO, Duration::ZERO, pauses.iter().peekable());
        loop {
            let deadline = clock.deadline().expect("a test that never ends passes a limit");
            let pause = pauses.next_if(|(at, _)| *at < deadline);
            let now = pause.map_or(deadline, |(at, _)| *at);
            assert_eq!(clock.wants_look(now), pause.is_none());
            let is_within = began <= now && now < ended;
            if let Some((_, length)) = pause {
                lost += *length;
                lost_shared += if is_within { *length } else { Duration::ZERO };
            }
            let spent = now.min(ended).saturating_sub(began) + lost_shared;
            let shared = Shared { spent, within: is_within.then_some(spent) };
            if let Some((charge, Alarm::Over)) = clock.seen(now, lost, shared) {
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
    fn lost_time_before_something_shared_is_not_taken_from_it() {
        let mut clock = TestClock::new(Duration::ZERO, Duration::ZERO, None, 10 * SECOND);
        let mut look = |at: u32, lost: u32, within: Option<u32>| {
            let shared =
                Shared { spent: within.unwrap_or_default() * SECOND, within: within.map(|time| time * SECOND) };
            clock.seen(at * SECOND, lost * SECOND, shared).map(|(_, alarm)| alarm)
        };
        // Lost within one, and without any.
        assert_eq!([look(1, 60, Some(61)), look(3, 80, None), look(5, 80, Some(1))], [None; 3]);
        // Yet another one, during which more is lost.
        assert_eq!([look(14, 110, Some(37)), look(18, 110, Some(41))], [None, Some(Alarm::Over)]);
    }

    #[test]
    fn shared_time_of_a_standstill_is_lost_though_it_is_over_when_looked_at() {
        let mut clock = TestClock::new(Duration::ZERO, Duration::ZERO, Some(own(2 * SECOND)), 60 * SECOND);
        let mut look = |at: u32, lost: u32, spent: u32, within: Option<u32>| {
            let shared = Shared { spent: spent * SECOND, within: within.map(|time| time * SECOND) };
            clock.seen(at * SECOND, lost * SECOND, shared)
        };
        assert_eq!([look(1, 0, 1, Some(1)), look(1, 3600, 3401, None)], [None, None]);
        assert_eq!(look(3, 3600, 3401, None), Some((Charge::Test, Alarm::Over)));
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
            pauses in vec((0.0..40.0_f64, 0.1..100.0_f64), 0..4),
        ) {
            let mut pauses: Vec<_> = pauses.into_iter().map(|(at, length)| (seconds(at), seconds(length))).collect();
            pauses.sort();
            let shared = (seconds(began), seconds(began + length));
            let (charge, at) = watched_with_pauses(own(seconds(limit)), seconds(worker), shared, &pauses);
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
