//! When each test would start if all went in the order of the collection, and which cannot wait until then.

use std::collections::HashMap;
use std::time::Duration;

use super::estimates::Estimates;
use crate::ids::{ModuleId, TestId};
use crate::suite::Suite;

/// What is not longer than this part of the ideal wall time never goes first: left for the end, it leaves the last
/// worker at most that much behind the first.
const LONG_PART: u32 = 100;

/// What is longer than this part of it always does: whatever the course of the run, its end would be felt.
const HUGE_PART: u32 = 10;

/// What is shorter never goes first: nobody notices a tenth of a second at the end, and estimates of short tests vary
/// by as much on a busy machine, which would shuffle them from run to run.
const LONG_AT_LEAST: Duration = Duration::from_millis(100);

/// The course that the run takes in the order of the collection.
///
/// In that order, turn by turn, a test finds before it what it usually does, so only what would end too late leaves it. A
/// module is thought to begin when all that stands before it is done, and to stay with one worker: that is as late as it
/// gets.
#[derive(Clone, Debug)]
pub(super) struct Course {
    /// By test.
    starts: Vec<Duration>,
    /// The wall time if all workers were busy to the end.
    ideal: Duration,
    long: Duration,
}

impl Course {
    pub(super) fn new(suite: &Suite, estimates: &Estimates, workers: u16) -> Self {
        let workers = u32::from(workers.max(1));
        let mut modules: HashMap<(u8, ModuleId), Duration> = HashMap::new();
        let mut work = Duration::ZERO;
        let mut starts = vec![Duration::ZERO; suite.tests.len()];
        // What runs alone comes when all else is done.
        let mut order: Vec<_> = suite.tests.iter().enumerate().filter(|(_, test)| !test.serial).collect();
        order.sort_by_key(|(_, test)| test.turn);
        for (index, test) in order {
            let estimate = estimates.of(TestId(index as u32));
            let next = modules.entry((test.turn, test.module)).or_insert(work / workers);
            starts[index] = *next;
            *next += estimate;
            work += estimate;
        }
        let ideal = work / workers;
        Self { starts, ideal, long: (ideal / LONG_PART).max(LONG_AT_LEAST) }
    }

    /// Whether what begins with this test and takes so long is to go before all that is short. It may be late by as
    /// much as it takes; that it is not must not hang on estimates.
    pub(super) fn cannot_wait(&self, first: TestId, time: Duration) -> bool {
        let ends_late = || self.starts[first.index()] + time * 2 > self.ideal;
        time > self.long && (time > self.ideal / HUGE_PART || ends_late())
    }
}

#[cfg(test)]
mod tests {
    use super::super::units::testing::{suite, test};
    use super::*;
    use crate::suite::Test;

    const SECOND: Duration = Duration::from_secs(1);

    fn course(tests: impl IntoIterator<Item = Test>, workers: u16) -> Course {
        let suite = suite(tests);
        Course::new(&suite, &Estimates::new(&suite), workers)
    }

    /// Each test is a module and takes a second.
    fn modules(count: u32) -> impl Iterator<Item = Test> {
        (0..count).map(|module| test(module).lasting(1.0))
    }

    #[test]
    fn only_what_comes_late_goes_first() {
        let course = course(modules(80), 4);
        let late: Vec<_> = (0..80).filter(|first| course.cannot_wait(TestId(*first), SECOND)).collect();
        assert_eq!(late, (73..80).collect::<Vec<_>>());
    }

    #[test]
    fn what_fills_much_of_the_run_goes_first_wherever_it_is() {
        let course = course(modules(80), 4);
        assert!(!course.cannot_wait(TestId(0), SECOND * 2) && course.cannot_wait(TestId(0), SECOND * 3));
    }

    #[test]
    fn end_of_a_large_module_comes_late() {
        let large = (0..20).map(|_| test(100).lasting(1.0));
        let course = course(large.chain(modules(60)), 4);
        assert!(!course.cannot_wait(TestId(0), SECOND) && course.cannot_wait(TestId(19), SECOND));
    }

    #[test]
    fn later_turn_comes_late_wherever_it_is() {
        let later = test(100).lasting(1.0).in_turn(1);
        let course = course([later].into_iter().chain(modules(80)), 4);
        assert!(course.cannot_wait(TestId(0), SECOND) && !course.cannot_wait(TestId(1), SECOND));
    }

    #[test]
    fn what_runs_alone_keeps_nobody_busy() {
        let alone = (0..80).map(|module| test(module).lasting(1.0).alone());
        let course = course(modules(80).chain(alone), 4);
        assert!(course.cannot_wait(TestId(79), SECOND) && !course.cannot_wait(TestId(0), SECOND));
    }

    #[test]
    fn short_tests_wait() {
        assert!(!course(modules(40), 4).cannot_wait(TestId(39), LONG_AT_LEAST));
        assert!(!course(modules(4000), 4).cannot_wait(TestId(3999), SECOND));
    }
}
