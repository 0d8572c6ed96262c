//! Which of a worker's measurements are believed.
//!
//! A worker runs foreign code: a plugin may write what it likes into a report's duration. One number that JSON cannot
//! hold would spoil the event stream, and one that is absurd every sum that it goes into.

use engine::Timing;
use engine::history::MAX_SECONDS;

use crate::clock::Clock;

/// The number if it can be a duration in seconds, else 0: nothing was measured.
pub(super) fn seconds(reported: f64) -> f64 {
    if (0.0..=MAX_SECONDS).contains(&reported) { reported.abs() } else { 0.0 }
}

/// What a worker measured of a test, with `start` counted from the run's start instead of from 1970.
pub(super) fn timing(reported: Timing, clock: &Clock) -> Timing {
    Timing {
        start: seconds(clock.since_start(reported.start)),
        setup: seconds(reported.setup),
        call: seconds(reported.call),
        teardown: seconds(reported.teardown),
        shared: seconds(reported.shared),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_no_duration_counts_as_zero() {
        for reported in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.5, -0.0, 1e300] {
            assert_eq!(seconds(reported).to_bits(), 0.0_f64.to_bits(), "{reported}");
        }
    }

    #[test]
    fn a_duration_stays_as_reported() {
        for reported in [0.0, 1e-9, 0.25, 86_400.0] {
            assert_eq!(seconds(reported).to_bits(), reported.to_bits());
        }
    }

    #[test]
    fn every_field_of_a_timing_is_checked() {
        let clock = Clock::started(Duration::ZERO);
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let reported = Timing { start: bad, setup: bad, call: bad, teardown: bad, shared: bad };
            assert_eq!(timing(reported, &clock), Timing::default());
        }
    }

    #[test]
    fn the_start_counts_from_the_run() {
        let clock = Clock::started(Duration::ZERO);
        let reported = Timing { start: clock.wall() + 2.0, call: 0.5, ..Timing::default() };
        let believed = timing(reported, &clock);
        assert!((believed.start - 2.0).abs() < 1e-3, "{}", believed.start);
        assert_eq!(believed, Timing { start: believed.start, call: 0.5, ..Timing::default() });
    }
}
