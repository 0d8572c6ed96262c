//! Numbers as people read them.

/// A duration: `12 ms`, `41.2 s`, `2 min 05 s`, `1 h 02 min`.
pub(crate) fn seconds(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match seconds {
        s if s < 0.9995 => format!("{:.0} ms", s * 1000.0),
        s if s < 59.95 => format!("{s:.1} s"),
        _ if whole < 3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

/// A share of 1 in per cent: `97.4 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A number with its noun: `1 worker`, `12,480 tests`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", thousands(count))
}

/// A number with commas between thousands: `12,480`.
pub(crate) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_change_unit_with_their_size() {
        let texts = [0.0, 0.012, 0.9999, 41.23, 59.96, 125.4, 3725.0].map(seconds);
        assert_eq!(texts, ["0 ms", "12 ms", "1.0 s", "41.2 s", "1 min 00 s", "2 min 05 s", "1 h 02 min"]);
    }

    #[test]
    fn thousands_are_parted_by_commas() {
        let texts = [0, 999, 1000, 1_234_567].map(thousands);
        assert_eq!(texts, ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn one_has_no_plural() {
        assert_eq!(counted(1, "worker"), "1 worker");
        assert_eq!(counted(6895, "test"), "6,895 tests");
    }
}
