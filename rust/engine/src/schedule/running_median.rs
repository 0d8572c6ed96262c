//! The median of numbers that come one at a time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// Two heaps that meet in the middle: a number is taken in in logarithmic time, the median read in constant time.
#[derive(Clone, Debug, Default)]
pub(super) struct RunningMedian {
    lower: BinaryHeap<Duration>,
    upper: BinaryHeap<Reverse<Duration>>,
}

impl RunningMedian {
    pub(super) fn add(&mut self, value: Duration) {
        if self.lower.peek().is_some_and(|middle| value > *middle) {
            self.upper.push(Reverse(value));
        } else {
            self.lower.push(value);
        }
        self.balance();
    }

    /// The median (the lower one of two); `None` before the first number.
    pub(super) fn get(&self) -> Option<Duration> {
        self.lower.peek().copied()
    }

    fn balance(&mut self) {
        if self.lower.len() > self.upper.len() + 1 {
            self.upper.extend(self.lower.pop().map(Reverse));
        } else if self.upper.len() > self.lower.len() {
            self.lower.extend(self.upper.pop().map(|Reverse(value)| value));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn running_median_equals_sorted_middle(values in proptest::collection::vec(0_u64..1000, 1..60)) {
            let mut median = RunningMedian::default();
            let mut sorted = Vec::new();
            for value in values {
                median.add(Duration::from_millis(value));
                sorted.push(value);
                sorted.sort_unstable();
                prop_assert_eq!(median.get(), Some(Duration::from_millis(sorted[(sorted.len() - 1) / 2])));
            }
        }
    }

    #[test]
    fn empty_median_is_unknown() {
        assert_eq!(RunningMedian::default().get(), None);
    }
}
