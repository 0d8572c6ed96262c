//! Times of day in timing files: unix seconds, or ISO 8601.

use chrono::{DateTime, NaiveDateTime, SecondsFormat};

/// Unix seconds of `1767225600.25`, `2026-01-01T00:00:00.25Z` or `2026-01-01 01:00:00+01:00`. Without an offset it is
/// taken as UTC.
pub(super) fn parse(text: &str) -> Option<f64> {
    text.parse().ok().or_else(|| parse_iso(text))
}

/// As [`parse`], for ISO 8601 only.
pub(super) fn parse_iso(text: &str) -> Option<f64> {
    let micros = match DateTime::parse_from_rfc3339(text) {
        Ok(moment) => moment.timestamp_micros(),
        Err(_) => parse_without_offset(text)?.and_utc().timestamp_micros(),
    };
    Some(micros as f64 / 1e6)
}

fn parse_without_offset(text: &str) -> Option<NaiveDateTime> {
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
}

/// ISO 8601 in UTC, to the microsecond: `2026-01-01T00:00:00.250Z`. What [`parse`] reads is the same number again.
pub(super) fn iso(timestamp: f64) -> Option<String> {
    let moment = DateTime::from_timestamp_micros((timestamp * 1e6).round() as i64)?;
    Some(moment.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_the_same_moment() {
        for text in [
            "1767225600.25",
            "2026-01-01T00:00:00.25Z",
            "2026-01-01T01:00:00.250+01:00",
            "2026-01-01T00:00:00.25",
            "2026-01-01 00:00:00.250000",
        ] {
            assert_eq!(parse(text), Some(1_767_225_600.25), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        assert_eq!((parse("yesterday"), parse(""), parse("2026-13-01T00:00:00Z")), (None, None, None));
    }

    #[test]
    fn written_moment_is_read_unchanged() {
        for timestamp in [0.0, 0.000_001, 1_767_225_600.123_456, 4_294_967_294.999_999] {
            assert_eq!(parse(&iso(timestamp).unwrap()), Some(timestamp));
        }
    }
}
