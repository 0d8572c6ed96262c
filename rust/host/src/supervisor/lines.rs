//! What workers write past the capture, in lines.

use std::time::Duration;

/// A line longer than this, in bytes, is shown in pieces.
const LONGEST_LINE: usize = 64 * 1024;

/// The beginning of a line is shown if the rest has not come by then: a prompt, or dots that say that something goes on.
/// Shorter would cut lines that are written in pieces, longer would be felt by somebody who is asked something.
const PATIENCE: Duration = Duration::from_millis(200);

/// One stream of a worker.
#[derive(Default)]
pub(super) struct Lines {
    begun: Vec<u8>,
    /// When the beginning of a line came whose end has not.
    since: Option<Duration>,
}

impl Lines {
    /// Adds what came; whole lines, if there are any by now, or a piece of one that is too long to be kept.
    pub(super) fn push(&mut self, bytes: &[u8], now: Duration) -> Option<Vec<u8>> {
        self.begun.extend_from_slice(bytes);
        let end = match self.begun.iter().rposition(|byte| *byte == b'\n') {
            Some(last) => last + 1,
            None if self.begun.len() >= LONGEST_LINE => self.begun.len(),
            None => 0,
        };
        let rest = self.begun.split_off(end);
        let whole = std::mem::replace(&mut self.begun, rest);
        let since = if whole.is_empty() { self.since } else { None };
        self.since = (!self.begun.is_empty()).then(|| since.unwrap_or(now));
        (!whole.is_empty()).then_some(whole)
    }

    /// When the beginning of a line is shown without its end.
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.since.map(|since| since + PATIENCE)
    }

    /// What is left of a line that nobody waits for any longer.
    pub(super) fn take_rest(&mut self) -> Vec<u8> {
        self.since = None;
        std::mem::take(&mut self.begun)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn only_whole_lines_are_passed_on() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(b"one", SECOND), None);
        assert_eq!(lines.push(b" line\nand a half", SECOND).as_deref(), Some(&b"one line\n"[..]));
        assert_eq!(lines.take_rest(), b"and a half");
    }

    #[test]
    fn beginning_of_a_line_waits_only_a_moment() {
        let mut lines = Lines::default();
        lines.push(b"first\n", SECOND);
        assert_eq!(lines.deadline(), None);
        lines.push(b"a", 2 * SECOND);
        lines.push(b"nswer? ", 3 * SECOND);
        assert_eq!(lines.deadline(), Some(2 * SECOND + PATIENCE));
        lines.push(b"yes\nnext", 4 * SECOND);
        assert_eq!(lines.deadline(), Some(4 * SECOND + PATIENCE));
        lines.take_rest();
        assert_eq!(lines.deadline(), None);
    }

    #[test]
    fn a_line_without_end_is_not_kept() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(&[b'.'; LONGEST_LINE - 1], SECOND), None);
        assert_eq!(lines.push(b".", SECOND).map(|piece| piece.len()), Some(LONGEST_LINE));
        assert_eq!(lines.take_rest(), b"");
    }
}
