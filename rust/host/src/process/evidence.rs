//! What a dead worker leaves behind.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use engine::{Death, PassedLimit, TestId};

/// The most that is kept of one file or pipe, in bytes; of more, the end is kept.
const KEEP: usize = 256 * 1024;

/// Everything that is known about the end of a worker.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// How the process ended; `None` if no process ever stood there.
    pub death: Option<Death>,
    /// What it was doing: `setup`, `call`, `teardown` or `between tests`.
    pub phase: &'static str,
    /// What it was at that tests share, in words; empty if nothing.
    pub sharing: String,
    /// The limit for which it was ended, if that is why.
    pub limit: Option<PassedLimit>,
    /// How long the test had been running.
    pub elapsed: Duration,
    /// What `faulthandler` wrote.
    pub stacks: String,
    /// What py-spy said of them; empty without it.
    pub native: String,
    /// What pytest had captured of the current phase, stdout and stderr.
    pub captured: [String; 2],
    /// The last of what went past the capture, stdout and stderr.
    pub output: [String; 2],
    /// CPU seconds.
    pub cpu: f64,
    /// Peak resident memory in bytes.
    pub peak_memory: u64,
    /// The tests that ran before on this process, oldest first.
    pub before: Vec<TestId>,
}

impl Evidence {
    /// About how much memory its texts hold, in bytes.
    pub(crate) fn weight(&self) -> usize {
        self.stacks.len() + self.native.len() + self.captured.iter().chain(&self.output).map(String::len).sum::<usize>()
    }
}

/// Keeps the end of a stream.
#[derive(Clone, Debug, Default)]
pub struct Tail {
    bytes: Vec<u8>,
}

impl Tail {
    /// Adds what came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        // Cutting at twice the size keeps the cost of moving bytes constant per byte.
        if self.bytes.len() > 2 * KEEP {
            self.bytes.drain(..self.bytes.len() - KEEP);
        }
    }

    /// What is kept, as text.
    pub fn text(&self) -> String {
        let from = self.bytes.len().saturating_sub(KEEP);
        String::from_utf8_lossy(&self.bytes[from..]).into_owned()
    }
}

/// The end of a file that a worker wrote, as text, without what stands before `from`. A file that cannot be read is
/// empty.
pub(crate) fn end_of(file: &File, from: u64) -> String {
    let length = file.metadata().map_or(0, |metadata| metadata.len());
    let from = from.max(length.saturating_sub(KEEP as u64));
    let mut bytes = vec![0; length.saturating_sub(from) as usize];
    let mut filled = 0;
    while filled < bytes.len() {
        match file.read_at(&mut bytes[filled..], from + filled as u64) {
            Ok(0) | Err(_) => break,
            Ok(count) => filled += count,
        }
    }
    bytes.truncate(filled);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_tail_keeps_the_end() {
        let mut tail = Tail::default();
        for _ in 0..100 {
            tail.push(&[b'a'; 64 * 1024]);
        }
        tail.push(b"end");
        let text = tail.text();
        assert_eq!(text.len(), KEEP);
        assert!(text.ends_with("aend"));
    }

    #[test]
    fn the_end_of_a_long_file_is_read() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&vec![b'x'; KEEP]).unwrap();
        file.write_all(b"last words").unwrap();
        let text = end_of(&file, 0);
        assert_eq!(text.len(), KEEP);
        assert!(text.ends_with("xlast words"));
        assert_eq!(end_of(&file, KEEP as u64 + 5), "words");
        assert_eq!(end_of(&file, u64::MAX), "");
    }
}
