//! Tests that were handed to a worker and have not started.

use std::collections::VecDeque;
use std::time::Duration;

use crate::ids::TestId;
use crate::schedule::Handed;

/// Handed-out tests in their order, with sums, because they are asked for at every event.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    tests: VecDeque<Handed>,
    time: Duration,
    movable: usize,
}

impl Queue {
    pub(super) fn extend(&mut self, tests: Vec<Handed>) {
        for handed in tests {
            self.time += handed.estimate;
            self.movable += usize::from(handed.movable);
            self.tests.push_back(handed);
        }
    }

    /// The next test.
    pub(super) fn next(&self) -> Option<TestId> {
        self.tests.front().map(|handed| handed.test)
    }

    /// Takes the next test, if it is this one.
    pub(super) fn pop(&mut self, test: TestId) -> Option<Handed> {
        if self.next()? != test {
            return None;
        }
        let handed = self.tests.pop_front()?;
        self.forget(handed);
        Some(handed)
    }

    /// Take this many tests from the end, all if there are not so many; latest first.
    pub(super) fn take_last(&mut self, count: usize) -> impl Iterator<Item = TestId> + use<> {
        let taken = self.tests.split_off(self.tests.len().saturating_sub(count));
        for handed in &taken {
            self.forget(*handed);
        }
        taken.into_iter().rev().map(|handed| handed.test)
    }

    pub(super) fn len(&self) -> usize {
        self.tests.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tests.is_empty()
    }

    pub(super) fn last(&self) -> Option<&Handed> {
        self.tests.back()
    }

    /// The estimated time of all.
    pub(super) fn time(&self) -> Duration {
        self.time
    }

    /// Whether another worker could have some of them.
    pub(super) fn is_movable(&self) -> bool {
        self.movable > 0
    }

    fn forget(&mut self, handed: Handed) {
        self.time = self.time.saturating_sub(handed.estimate);
        self.movable -= usize::from(handed.movable);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue() -> Queue {
        let mut queue = Queue::default();
        let handed = |id, movable| Handed { test: TestId(id), estimate: Duration::from_secs(id.into()), movable };
        queue.extend(vec![handed(1, true), handed(2, false), handed(3, false)]);
        queue
    }

    #[test]
    fn only_the_next_test_is_popped() {
        let mut queue = queue();
        assert_eq!(queue.pop(TestId(2)), None);
        assert_eq!(queue.pop(TestId(1)).map(|handed| handed.test), Some(TestId(1)));
        assert_eq!((queue.time().as_secs(), queue.is_movable()), (5, false));
    }

    #[test]
    fn taken_tests_come_latest_first() {
        let mut queue = queue();
        assert_eq!(queue.take_last(2).collect::<Vec<_>>(), [TestId(3), TestId(2)]);
        assert_eq!((queue.time().as_secs(), queue.is_movable()), (1, true));
        assert_eq!(queue.take_last(9).count(), 1);
        assert!(queue.is_empty());
    }
}
