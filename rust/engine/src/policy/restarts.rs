//! How often workers may be replaced.

use std::time::Duration;

/// A worker that could not be started is not started again at once: what was missing (processes, memory) needs time
/// to come back. The first pause is short because most such failures are.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause between two attempts to start a worker.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The budget for replacements over the whole run.
#[derive(Clone, Debug)]
pub(crate) struct Restarts {
    spent: u32,
    allowed: u32,
}

impl Restarts {
    pub(crate) fn new(allowed: u32) -> Self {
        Self { spent: 0, allowed }
    }

    /// Take one replacement out of the budget; `false` if none is left.
    pub(crate) fn spend(&mut self) -> bool {
        let granted = self.spent < self.allowed;
        self.spent += u32::from(granted);
        granted
    }

    pub(crate) fn spent(&self) -> u32 {
        self.spent
    }
}

/// How long to wait after the `failures`-th start in a row that failed on one slot.
pub(crate) fn pause(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    (FIRST_PAUSE * 2_u32.pow(doublings)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budget_grants_as_many_as_allowed() {
        let mut restarts = Restarts::new(2);
        assert_eq!([restarts.spend(), restarts.spend(), restarts.spend()], [true, true, false]);
        assert_eq!(restarts.spent(), 2);
    }

    #[test]
    fn pauses_double_up_to_a_limit() {
        let pauses: Vec<u128> = [1, 2, 3, 7, u32::MAX].map(|n| pause(n).as_millis()).into();
        assert_eq!(pauses, [100, 200, 400, 5000, 5000]);
    }
}
