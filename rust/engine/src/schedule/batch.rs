//! How much a worker is given at once.

use std::time::Duration;

use crate::ids::TestId;

/// Estimated work that a worker holds ahead. A round trip costs 60 µs, the supervisor's coalescing up to 2 ms, and a
/// test that turns out long is found out after as much again: 30 ms covers these tenfold and is still nothing at the
/// end of a run.
pub(crate) const HORIZON: Duration = Duration::from_millis(30);

/// The smallest share near the end: twice what a round trip takes at worst, so that a worker does not starve
/// meanwhile, and the most by which empty tests can make one worker end after another.
const SMALLEST_SHARE: Duration = Duration::from_millis(5);

/// Nothing is queued behind a test whose estimate is longer: for such a test a round trip is lost in the noise.
pub(crate) const LONG_TEST: Duration = Duration::from_millis(20);

/// Batches of 512 empty tests were the fastest that were measured: 10,000 of them on two workers took 2.5–2.7 s, with
/// 128 to a batch 2.8–3.1 s.
const MOST_TESTS: usize = 512;

/// While nothing has been measured any test may be the long one.
const MOST_UNMEASURED_TESTS: usize = 4;

/// Each share is half of what would be left for each worker, so that shares shrink towards the end
/// (guided self-scheduling with the factor of factoring: Polychronopoulos 1987, Hummel 1992).
const SHARES_LEFT: u32 = 2;

/// One test as handed to a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handed {
    pub(crate) test: TestId,
    pub(crate) estimate: Duration,
    /// Another worker could have it if it has to wait.
    pub(crate) movable: bool,
}

/// What a worker can take now.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    /// Estimated time that may be added.
    pub(crate) time: Duration,
    /// Tests that may be added.
    pub(crate) tests: usize,
    /// The worker goes on only with what it is in the middle of.
    pub(crate) leaving: bool,
    /// The worker has nothing behind the test that it is ending: it may take long tests, resources, and others' work.
    pub(crate) fresh: bool,
    /// Every other worker rests.
    pub(crate) alone: bool,
    /// Estimated time that each slot still needs for what it was handed.
    pub(crate) busy: Vec<Duration>,
}

/// What a worker's situation allows it to take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Access {
    /// It has nothing else to do.
    pub(super) fresh: bool,
    /// Nobody else has.
    pub(super) alone: bool,
}

/// How much a worker should hold when so much work is left for all.
pub(super) fn horizon(left: Duration, workers: u16) -> Duration {
    (left / (SHARES_LEFT * u32::from(workers.max(1)))).clamp(SMALLEST_SHARE, HORIZON)
}

/// How many tests a batch may have.
pub(super) fn most_tests(left: usize, workers: u16, measured: bool) -> usize {
    if measured {
        return MOST_TESTS;
    }
    (left / (SHARES_LEFT as usize * usize::from(workers.max(1)))).clamp(1, MOST_UNMEASURED_TESTS)
}

/// A batch in the making.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) room: Room,
    tests: Vec<Handed>,
    time: Duration,
    most: usize,
}

impl Batch {
    pub(super) fn new(room: Room, most: usize) -> Self {
        let most = most.min(room.tests);
        Self { room, tests: Vec::new(), time: Duration::ZERO, most }
    }

    pub(super) fn access(&self) -> Access {
        Access { fresh: self.is_fresh(), alone: self.room.alone }
    }

    /// Whether the worker will have nothing else to do before the next test that is added.
    fn is_fresh(&self) -> bool {
        self.room.fresh && self.tests.is_empty()
    }

    /// Whether a test of this estimate may be added. A worker with nothing to do may always have one.
    pub(super) fn accepts(&self, estimate: Duration) -> bool {
        if self.is_fresh() {
            return true;
        }
        let behind_long = self.tests.last().is_some_and(|last| last.estimate >= LONG_TEST);
        let fits = self.tests.len() < self.most && self.time + estimate <= self.room.time;
        fits && !behind_long && estimate < LONG_TEST
    }

    pub(super) fn add(&mut self, handed: Handed) {
        self.time += handed.estimate;
        self.tests.push(handed);
    }

    pub(super) fn into_tests(self) -> Vec<Handed> {
        self.tests
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn filled(fresh: bool, estimates: &[Duration]) -> usize {
        let room = Room { time: HORIZON, tests: usize::MAX, leaving: false, fresh, alone: false, busy: Vec::new() };
        let mut batch = Batch::new(room, MOST_TESTS);
        for estimate in estimates {
            if !batch.accepts(*estimate) {
                break;
            }
            batch.add(Handed { test: TestId(0), estimate: *estimate, movable: true });
        }
        batch.into_tests().len()
    }

    #[test]
    fn batch_ends_at_the_horizon() {
        assert_eq!(filled(true, &[7 * MS; 100]), 4);
        assert_eq!(filled(true, &[MS / 5; 1000]), 150);
        assert_eq!(filled(true, &[MS / 100; 1000]), 512);
    }

    #[test]
    fn nothing_is_queued_behind_long_test() {
        assert_eq!(filled(true, &[LONG_TEST, MS]), 1);
        assert_eq!(filled(true, &[MS, LONG_TEST]), 1);
        assert_eq!(filled(false, &[LONG_TEST]), 0);
    }

    #[test]
    fn shares_shrink_towards_the_end() {
        assert_eq!(horizon(Duration::from_secs(60), 4), HORIZON);
        assert_eq!(horizon(80 * MS, 4), 10 * MS);
        assert_eq!(horizon(MS, 4), SMALLEST_SHARE);
    }

    #[test]
    fn unmeasured_batches_stay_small() {
        assert_eq!([most_tests(1000, 2, false), most_tests(9, 2, false), most_tests(1, 2, false)], [4, 2, 1]);
        assert_eq!(most_tests(1, 2, true), MOST_TESTS);
    }
}
