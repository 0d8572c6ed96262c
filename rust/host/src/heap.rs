//! Memory that tests have freed goes back to the system.

use std::time::{Duration, Instant};

/// The shortest pause between two times: most tests take less.
const PAUSE: Duration = Duration::from_secs(1);

/// A pause is so many times as long as giving back took, so that it costs at most a hundredth of the time.
const PRICE: u32 = 100;

/// The heap of the C library. It keeps what was freed in its midst and, since it has met large blocks, much of what was
/// freed at its end: after a few tests with large arrays that is a tenth of all that a worker owns.
pub(crate) struct Heap {
    due: Instant,
}

impl Heap {
    /// The heap of a process that has just begun to run tests.
    pub(crate) fn new() -> Self {
        Self { due: Instant::now() + PAUSE }
    }

    /// Gives back what is free, unless that was done a moment ago.
    pub(crate) fn settle(&mut self) {
        let began = Instant::now();
        if began >= self.due {
            give_back();
            let ended = Instant::now();
            self.due = ended + PAUSE.max(PRICE * (ended - began));
        }
    }
}

/// Gives memory that is free back to the system.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn give_back() {
    // SAFETY: it takes a number, locks the heap by itself, and moves nothing that is in use.
    unsafe { libc::malloc_trim(0) };
}

/// Other C libraries keep little, or have no way to ask for it.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn give_back() {}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    use super::*;

    /// Bytes of this process that lie in memory.
    fn resident() -> usize {
        let statm = std::fs::read_to_string("/proc/self/statm").expect("this is Linux");
        let pages = statm.split(' ').nth(1).and_then(|count| count.parse::<usize>().ok());
        pages.expect("a count of pages") * rustix::param::page_size()
    }

    #[test]
    fn freed_memory_goes_back() {
        // Small blocks with one in between that stays, as tests leave them.
        let blocks: Vec<Vec<u8>> = (0..20_000).map(|_| vec![1; 4096]).collect();
        let kept: Vec<Vec<u8>> = blocks.into_iter().step_by(100).collect();
        let mut heap = Heap { due: Instant::now() };
        let before = resident();
        heap.settle();
        assert!(resident() + (40 << 20) < before, "{} MiB of 80 are still there", resident() >> 20);
        drop(kept);
    }

    #[test]
    fn a_pause_is_kept() {
        let mut heap = Heap { due: Instant::now() };
        heap.settle();
        let due = heap.due;
        heap.settle();
        assert!(due > Instant::now() && heap.due == due);
    }
}
