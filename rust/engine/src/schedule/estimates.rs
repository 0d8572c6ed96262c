//! How long a test is thought to take.

use std::time::Duration;

use super::running_median::RunningMedian;
use crate::ids::{ModuleId, TestId};
use crate::suite::Suite;

/// The least that a test costs: pytest's protocol around an empty test (190–200 µs with pytest 9 on Python 3.11).
const PROTOCOL: Duration = Duration::from_micros(200);

/// What a test is thought to take while nothing at all has been measured. It only sizes shares of work against each
/// other then, so that its own size hardly matters.
const GUESS: Duration = Duration::from_millis(5);

/// Longer than any run; keeps sums of hostile estimates within a `Duration`.
const LONGEST: f64 = 1e7;

/// Known estimates, and medians in place of the unknown ones.
#[derive(Clone, Debug)]
pub(super) struct Estimates {
    known: Vec<Option<Duration>>,
    module: Vec<ModuleId>,
    modules: Vec<RunningMedian>,
    suite: RunningMedian,
    /// Whether some test is unknown, so that medians are of use.
    learning: bool,
    new_suite: bool,
}

impl Estimates {
    pub(super) fn new(suite: &Suite) -> Self {
        let known: Vec<_> = suite.tests.iter().map(|test| test.estimate.map(test_time)).collect();
        let module: Vec<_> = suite.tests.iter().map(|test| test.module).collect();
        let modules = module.iter().map(|module| module.index() + 1).max().unwrap_or(0);
        let mut estimates = Self {
            learning: known.iter().any(Option::is_none),
            new_suite: known.iter().all(Option::is_none),
            modules: vec![RunningMedian::default(); modules],
            suite: RunningMedian::default(),
            known,
            module,
        };
        estimates.take_in_history();
        estimates
    }

    /// Whether nothing was known about any test when the run began.
    pub(super) fn is_new_suite(&self) -> bool {
        self.new_suite
    }

    /// Whether anything at all has been measured, in an earlier run or in this one.
    pub(super) fn has_measurements(&self) -> bool {
        !self.learning || self.suite.get().is_some()
    }

    pub(super) fn known(&self, test: TestId) -> Option<Duration> {
        self.known[test.index()]
    }

    /// The test's estimate, else what tests near it usually take.
    pub(super) fn of(&self, test: TestId) -> Duration {
        self.known(test).unwrap_or_else(|| self.guess_near(test))
    }

    /// The median of the test's module, else of the suite.
    pub(super) fn guess_near(&self, test: TestId) -> Duration {
        self.modules[self.module[test.index()].index()].get().unwrap_or_else(|| self.guess())
    }

    /// The median of the suite.
    pub(super) fn guess(&self) -> Duration {
        self.suite.get().unwrap_or(GUESS)
    }

    /// A test of this run took so many seconds.
    pub(super) fn learn(&mut self, test: TestId, seconds: f64) {
        if self.learning {
            self.take_in(test, test_time(seconds));
        }
    }

    fn take_in_history(&mut self) {
        if !self.learning {
            return;
        }
        for index in 0..self.known.len() {
            if let Some(time) = self.known[index] {
                self.take_in(TestId(index as u32), time);
            }
        }
    }

    fn take_in(&mut self, test: TestId, time: Duration) {
        self.modules[self.module[test.index()].index()].add(time);
        self.suite.add(time);
    }
}

/// Seconds as somebody else wrote them; what cannot be a time counts as none.
pub(super) fn time(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.clamp(0.0, LONGEST)).unwrap_or_default()
}

fn test_time(seconds: f64) -> Duration {
    time(seconds).max(PROTOCOL)
}

#[cfg(test)]
mod tests {
    use super::super::units::testing::{suite, test};
    use super::*;

    const T0: TestId = TestId(0);
    const T2: TestId = TestId(2);

    fn milliseconds(estimates: &Estimates, test: TestId) -> u128 {
        estimates.of(test).as_millis()
    }

    #[test]
    fn unknown_test_takes_its_modules_median() {
        let estimates =
            Estimates::new(&suite([test(0).lasting(0.1), test(0).lasting(0.3), test(0), test(1).lasting(9.0)]));
        assert_eq!(milliseconds(&estimates, T2), 100);
    }

    #[test]
    fn unknown_module_takes_the_suites_median() {
        let estimates = Estimates::new(&suite([test(1), test(0).lasting(0.3)]));
        assert_eq!(milliseconds(&estimates, T0), 300);
    }

    #[test]
    fn measured_tests_teach_unknown_ones() {
        let mut estimates = Estimates::new(&suite([test(0), test(0), test(0)]));
        assert!(estimates.is_new_suite() && !estimates.has_measurements());
        estimates.learn(T0, 0.7);
        assert!(estimates.has_measurements());
        assert_eq!(milliseconds(&estimates, T2), 700);
    }

    #[test]
    fn impossible_seconds_count_as_none() {
        let seconds = [f64::NAN, f64::NEG_INFINITY, -1.0, f64::INFINITY];
        assert_eq!(seconds.map(|s| time(s).as_secs()), [0, 0, 0, 10_000_000]);
    }
}
