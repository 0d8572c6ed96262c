//! What of a suite would end too late in the order of the collection, and so cannot wait for its turn there.

use std::collections::{BTreeMap, HashMap};
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
/// In that order, turn by turn, a test finds before it what it usually does, so only what would end too late leaves it:
/// what stays behind it must keep the workers for twice its time. A module is thought to stay with one worker.
#[derive(Clone, Debug)]
pub(super) struct Course {
    /// By test.
    times: Vec<Duration>,
    /// By test: the time of what stands before it in its module.
    inside: Vec<Duration>,
    /// By test: the time of what stands behind it and stays there.
    behind: Vec<Duration>,
    /// What does not run alone, in collection order, by turn.
    turns: Vec<Vec<TestId>>,
    workers: u32,
    /// The wall time if all workers were busy to the end.
    ideal: Duration,
    long: Duration,
}

impl Course {
    pub(super) fn new(suite: &Suite, estimates: &Estimates, workers: u16) -> Self {
        let turns = turns(suite);
        let workers = u32::from(workers.max(1));
        let times: Vec<_> = (0..suite.tests.len()).map(|index| estimates.of(TestId(index as u32))).collect();
        let mut inside = vec![Duration::ZERO; times.len()];
        let mut modules: HashMap<(u8, ModuleId), Duration> = HashMap::new();
        for id in turns.iter().flatten() {
            let test = &suite.tests[id.index()];
            let module = modules.entry((test.turn, test.module)).or_default();
            inside[id.index()] = *module;
            *module += times[id.index()];
        }
        let ideal = modules.values().sum::<Duration>() / workers;
        let long = (ideal / LONG_PART).max(LONG_AT_LEAST);
        let behind = vec![Duration::ZERO; times.len()];
        let mut course = Self { times, inside, behind, turns, workers, ideal, long };
        course.divide(|test| estimates.known(test));
        course
    }

    /// Finds out what stays, given how long that takes which each test belongs to; `None`: it stays in any case.
    ///
    /// The end comes first: what leaves its place there is not behind what stands before it any more.
    pub(super) fn divide(&mut self, time: impl Fn(TestId) -> Option<Duration>) {
        let turns = std::mem::take(&mut self.turns);
        let mut later = Duration::ZERO;
        for turn in turns.iter().rev() {
            let mut behind = later;
            for test in turn.iter().rev() {
                self.behind[test.index()] = behind;
                let leaves = time(*test).is_some_and(|time| self.cannot_wait(*test, time));
                let own = self.times[test.index()];
                later += own;
                behind += if leaves { Duration::ZERO } else { own };
            }
        }
        self.turns = turns;
    }

    /// Whether what begins with this test and takes so long is to go before all that is short.
    pub(super) fn cannot_wait(&self, first: TestId, time: Duration) -> bool {
        time > self.long && (time > self.ideal / HUGE_PART || self.left_at(first, time) < time * 2)
    }

    /// How long the run still takes when this begins where it stands.
    fn left_at(&self, first: TestId, time: Duration) -> Duration {
        let (inside, behind) = (self.inside[first.index()], self.behind[first.index()]);
        ((inside + time + behind) / self.workers).saturating_sub(inside)
    }
}

/// What does not run alone when all else is done.
fn turns(suite: &Suite) -> Vec<Vec<TestId>> {
    let mut turns: BTreeMap<u8, Vec<TestId>> = BTreeMap::new();
    for (index, test) in suite.tests.iter().enumerate().filter(|(_, test)| !test.serial) {
        turns.entry(test.turn).or_default().push(TestId(index as u32));
    }
    turns.into_values().collect()
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::super::units::testing::{suite, test};
    use super::*;
    use crate::suite::Test;

    const SECOND: Duration = Duration::from_secs(1);

    fn course(tests: impl IntoIterator<Item = Test>, workers: u16) -> Course {
        let suite = suite(tests);
        Course::new(&suite, &Estimates::new(&suite), workers)
    }

    /// In each module a test of a second and 20 short ones that take as long together.
    fn mixed(modules: Range<u32>) -> impl Iterator<Item = Test> {
        modules.flat_map(|module| {
            [test(module).lasting(1.0)].into_iter().chain((0..20).map(move |_| test(module).lasting(0.05)))
        })
    }

    /// The modules whose tests of a second cannot wait, if the first of them is this test.
    fn late(course: &Course, first: u32, modules: u32) -> Vec<u32> {
        (0..modules).filter(|module| course.cannot_wait(TestId(first + module * 21), SECOND)).collect()
    }

    #[test]
    fn only_what_comes_late_goes_first() {
        // Seven seconds of short tests keep four workers for twice a second, with the long one among them.
        assert_eq!(late(&course(mixed(0..40), 4), 0, 40), (34..40).collect::<Vec<_>>());
    }

    #[test]
    fn what_fills_much_of_the_run_goes_first_wherever_it_is() {
        let course = course(mixed(0..40), 4);
        assert!(!course.cannot_wait(TestId(0), SECOND * 2) && course.cannot_wait(TestId(0), SECOND * 3));
    }

    #[test]
    fn end_of_a_large_module_comes_late() {
        let large = (0..24).map(|_| test(100).lasting(1.0));
        let course = course(large.chain(mixed(0..40)), 4);
        assert!(!course.cannot_wait(TestId(0), SECOND) && course.cannot_wait(TestId(23), SECOND));
    }

    #[test]
    fn what_goes_first_is_not_behind_what_stands_before_it() {
        let huge = (100..110).map(|module| test(module).lasting(3.0));
        assert_eq!(late(&course(mixed(0..40).chain(huge), 4), 0, 40), (34..40).collect::<Vec<_>>());
    }

    #[test]
    fn block_that_goes_first_takes_all_its_tests_along() {
        let mut course = course(mixed(0..40).chain((0..100).map(|_| test(100).lasting(0.2))), 4);
        assert_eq!(late(&course, 0, 40), []);
        course.divide(|test| Some(if test.0 < 840 { course_time(test) } else { SECOND * 20 }));
        assert_eq!(late(&course, 0, 40), (34..40).collect::<Vec<_>>());
    }

    fn course_time(test: TestId) -> Duration {
        if test.0.is_multiple_of(21) { SECOND } else { SECOND / 20 }
    }

    #[test]
    fn all_of_a_later_turn_is_behind_an_earlier_one() {
        let later = [test(100).lasting(1.0).in_turn(1), test(101).lasting(2.0).in_turn(1)];
        let course = course(later.into_iter().chain(mixed(0..40)), 4);
        assert_eq!(late(&course, 2, 40), (37..40).collect::<Vec<_>>());
        assert!(course.cannot_wait(TestId(0), SECOND));
    }

    #[test]
    fn what_runs_alone_keeps_nobody_busy() {
        let alone = (0..80).map(|module| test(module).lasting(1.0).alone());
        assert_eq!(late(&course(mixed(0..40).chain(alone), 4), 0, 40), (34..40).collect::<Vec<_>>());
    }

    #[test]
    fn short_tests_wait() {
        assert!(!course(mixed(0..40), 4).cannot_wait(TestId(839), LONG_AT_LEAST));
        assert!(!course(mixed(0..400), 4).cannot_wait(TestId(8379), SECOND));
    }
}
