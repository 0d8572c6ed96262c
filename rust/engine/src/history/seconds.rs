//! Which numbers a timing can be.

/// The longest duration that is believed, in seconds: a leap year.
pub const MAX_SECONDS: f64 = 366.0 * 86_400.0;

/// The last moment that is believed, in unix seconds (the year 2106). Up to here rounding a double to microseconds twice
/// is the same as once; a timestamp in milliseconds is beyond it, and is refused.
pub const MAX_TIMESTAMP: f64 = 4_294_967_295.0;

/// A value that cannot be a timing.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Damaged {
    /// Negative, not a number, infinite, or longer than [`MAX_SECONDS`].
    #[error("{0} is not a duration in seconds")]
    Duration(f64),
    /// Negative, not a number, or beyond [`MAX_TIMESTAMP`].
    #[error("{0} is not a time in unix seconds")]
    Timestamp(f64),
    /// The test never ran, so nothing was measured.
    #[error("a test that did not run has no timing")]
    NotRun,
}

pub(super) fn duration(seconds: f64) -> Result<f64, Damaged> {
    in_range(seconds, MAX_SECONDS).ok_or(Damaged::Duration(seconds))
}

pub(super) fn timestamp(seconds: f64) -> Result<f64, Damaged> {
    in_range(seconds, MAX_TIMESTAMP).ok_or(Damaged::Timestamp(seconds))
}

/// Rounded to microseconds: finer digits are noise, and longer to write.
fn in_range(seconds: f64, max: f64) -> Option<f64> {
    (0.0..=max).contains(&seconds).then(|| (seconds.abs() * 1e6).round() / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_durations_are_refused() {
        for seconds in [-1e-9, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, MAX_SECONDS * 1.01] {
            assert!(duration(seconds).is_err(), "{seconds}");
        }
    }

    #[test]
    fn milliseconds_are_no_timestamp() {
        assert_eq!(timestamp(1_767_225_600_000.0), Err(Damaged::Timestamp(1_767_225_600_000.0)));
    }

    #[test]
    fn seconds_are_rounded_to_microseconds() {
        assert_eq!(duration(0.123_456_789), Ok(0.123_457));
        assert!(duration(-0.0).is_ok_and(f64::is_sign_positive));
    }
}
