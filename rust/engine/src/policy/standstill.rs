//! Time that does not count.

use std::time::Duration;

/// The run's own time: what is told from outside, less the time during which nothing could happen or nobody wanted
/// anything to. Every deadline is on this clock, so none has to be moved.
#[derive(Clone, Debug, Default)]
pub(crate) struct RunTime {
    /// The latest moment that was told.
    told: Duration,
    /// How much of it does not count.
    lost: Duration,
    /// It stands still since this told moment.
    stopped: Option<Duration>,
    /// Its latest moment: it never goes back.
    now: Duration,
}

impl RunTime {
    /// What time it is outside. A moment that is earlier than one told before counts as that one.
    pub(crate) fn tell(&mut self, told: Duration) {
        self.told = self.told.max(told);
        self.settle();
    }

    pub(crate) fn now(&self) -> Duration {
        self.now
    }

    /// How much of what was told has not counted.
    pub(crate) fn lost(&self) -> Duration {
        let standing = self.stopped.map_or(Duration::ZERO, |stopped| self.told.saturating_sub(stopped));
        self.lost.saturating_add(standing)
    }

    /// A moment of the run's time as it will be told, if nothing else is lost. `None` = the clock stands still.
    pub(crate) fn outside(&self, moment: Duration) -> Option<Duration> {
        self.stopped.is_none().then(|| moment.saturating_add(self.lost))
    }

    /// A moment that has passed, as it would have been told if what was lost had been lost before.
    pub(crate) fn since(&self, moment: Duration) -> Duration {
        moment.saturating_add(self.lost())
    }

    /// So much of the time that is told next does not count. What passes while the clock stands still does not anyway.
    pub(crate) fn lose(&mut self, by: Duration) {
        if self.stopped.is_none() {
            self.lost = self.lost.saturating_add(by);
            self.settle();
        }
    }

    /// Nothing counts from here on.
    pub(crate) fn stop(&mut self) {
        self.stopped.get_or_insert(self.told);
    }

    /// Everything counts again.
    pub(crate) fn go_on(&mut self) {
        if let Some(since) = self.stopped.take() {
            self.lose(self.told.saturating_sub(since));
        }
    }

    fn settle(&mut self) {
        self.now = self.now.max(self.stopped.unwrap_or(self.told).saturating_sub(self.lost));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn stopped_time_does_not_count() {
        let mut time = RunTime::default();
        time.tell(2 * SECOND);
        time.stop();
        time.tell(100 * SECOND);
        assert_eq!((time.now(), time.outside(3 * SECOND), time.lost()), (2 * SECOND, None, 98 * SECOND));
        time.go_on();
        assert_eq!(time.lost(), 98 * SECOND);
        time.tell(101 * SECOND);
        assert_eq!((time.now(), time.outside(5 * SECOND)), (3 * SECOND, Some(103 * SECOND)));
        assert_eq!(time.since(SECOND), 99 * SECOND);
    }

    #[test]
    fn gap_is_lost_once() {
        let mut time = RunTime::default();
        time.tell(10 * SECOND);
        time.stop();
        time.tell(20 * SECOND);
        time.lose(10 * SECOND);
        time.go_on();
        assert_eq!(time.now(), 10 * SECOND);
        time.lose(5 * SECOND);
        time.tell(26 * SECOND);
        assert_eq!(time.now(), 11 * SECOND);
        time.lose(Duration::MAX);
        assert_eq!((time.now(), time.outside(Duration::MAX)), (11 * SECOND, Some(Duration::MAX)));
    }

    #[test]
    fn time_never_goes_back() {
        let mut time = RunTime::default();
        time.tell(5 * SECOND);
        time.lose(3 * SECOND);
        time.tell(SECOND);
        assert_eq!(time.now(), 5 * SECOND);
        time.tell(9 * SECOND);
        assert_eq!(time.now(), 6 * SECOND);
    }
}
