//! A clock on something that has a limit.

use std::time::Duration;

/// What a [`Watch`] has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alarm {
    /// 80 % of the limit have passed.
    Near {
        /// How much time has passed.
        elapsed: Duration,
        /// The limit.
        limit: Duration,
    },
    /// The limit is reached.
    Over,
}

/// A limit on something that is measured elsewhere: speaks up once near it and once at it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Threshold {
    limit: Option<Duration>,
    said_near: bool,
    said_over: bool,
}

impl Threshold {
    pub(crate) fn new(limit: Option<Duration>) -> Self {
        Self { limit, said_near: false, said_over: false }
    }

    pub(crate) fn limit(&self) -> Option<Duration> {
        self.limit
    }

    /// How much time has passed when [`Threshold::check`] has something to say next.
    pub(crate) fn next(&self) -> Option<Duration> {
        let limit = self.limit?;
        match (self.said_near, self.said_over) {
            (_, true) => None,
            (true, false) => Some(limit),
            (false, false) => Some(near(limit)),
        }
    }

    /// What is due; ask again until it is `None`.
    pub(crate) fn check(&mut self, elapsed: Duration) -> Option<Alarm> {
        let limit = self.limit?;
        if elapsed >= limit && !self.said_over {
            (self.said_near, self.said_over) = (true, true);
            return Some(Alarm::Over);
        }
        if elapsed >= near(limit) && !self.said_near {
            self.said_near = true;
            return Some(Alarm::Near { elapsed, limit });
        }
        None
    }

    /// Something else is measured from here on.
    pub(crate) fn begin_anew(&mut self) {
        (self.said_near, self.said_over) = (false, false);
    }
}

/// Measures how long something takes, and speaks up once near its limit and once at it.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    since: Duration,
    threshold: Threshold,
}

impl Watch {
    pub(crate) fn new(now: Duration, limit: Option<Duration>) -> Self {
        Self { since: now, threshold: Threshold::new(limit) }
    }

    /// The next moment at which [`Watch::check`] has something to say.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.threshold.next().map(|elapsed| self.since.saturating_add(elapsed))
    }

    /// What is due; ask again until it is `None`.
    pub(crate) fn check(&mut self, now: Duration) -> Option<Alarm> {
        self.threshold.check(now.saturating_sub(self.since))
    }
}

/// 80 % of a limit.
fn near(limit: Duration) -> Duration {
    limit / 5 * 4
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn near_is_said_once_before_over() {
        let mut watch = Watch::new(SECOND, Some(10 * SECOND));
        assert_eq!(watch.deadline(), Some(9 * SECOND));
        assert_eq!(watch.check(9 * SECOND), Some(Alarm::Near { elapsed: 8 * SECOND, limit: 10 * SECOND }));
        assert_eq!(watch.check(10 * SECOND), None);
        assert_eq!(watch.check(11 * SECOND), Some(Alarm::Over));
        assert_eq!((watch.check(12 * SECOND), watch.deadline()), (None, None));
    }

    #[test]
    fn late_check_says_only_over() {
        let mut watch = Watch::new(Duration::ZERO, Some(SECOND));
        assert_eq!(watch.check(5 * SECOND), Some(Alarm::Over));
        assert_eq!(watch.check(5 * SECOND), None);
    }

    #[test]
    fn without_limit_nothing_is_due() {
        let mut watch = Watch::new(Duration::ZERO, None);
        assert_eq!((watch.deadline(), watch.check(Duration::MAX)), (None, None));
    }

    #[test]
    fn endless_limit_does_not_overflow() {
        let mut watch = Watch::new(Duration::MAX, Some(Duration::MAX));
        assert_eq!((watch.deadline(), watch.check(Duration::MAX)), (Some(Duration::MAX), None));
    }
}
