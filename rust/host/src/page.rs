//! One page of memory that the controller and all workers share: which handed-out tests may start, and what runs.
//!
//! A frame in a socket cannot be called back; a word here can. Each slot has a *grant*: its epoch, how many tests of
//! this epoch may start, and how many did. The worker takes a test by counting up, the supervisor takes the rest back
//! by beginning a new epoch; both are one compare-and-swap, so a test either starts or is taken back, never both.
//! This is what makes `-x` exact although workers hold tests ahead.

use std::ffi::c_void;
use std::os::fd::OwnedFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use engine::{Shared, Slot, TestId};
use rustix::fs::{MemfdFlags, fstat, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

/// What one worker is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Between tests.
    Idle,
    /// In a test's set-up.
    Setup,
    /// In the test itself.
    Call,
    /// In a test's teardown.
    Teardown,
}

impl Phase {
    /// The word pytest uses for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Idle => "between tests",
            Self::Setup => "setup",
            Self::Call => "call",
            Self::Teardown => "teardown",
        }
    }

    fn from_word(word: u32) -> Self {
        match word {
            1 => Self::Setup,
            2 => Self::Call,
            3 => Self::Teardown,
            _ => Self::Idle,
        }
    }
}

/// One slot's words, alone on their cache line.
#[repr(C, align(64))]
struct Cell {
    grant: AtomicU64,
    /// When the test began, in nanoseconds of the monotonic clock, which all processes share.
    since: AtomicU64,
    test: AtomicU32,
    phase: AtomicU32,
    sharing: Sharing,
}

/// How many words of eight bytes hold what is being set up or torn down.
const WORDS: usize = 10;

/// Set-ups and teardowns of what tests share, within the test that runs.
#[repr(C)]
struct Sharing {
    /// How long those took that are over, in nanoseconds.
    spent: AtomicU64,
    /// Since when one is under way, on the clock of [`Cell::since`]; 0 = none is.
    since: AtomicU64,
    /// What that is, as text that ends at the first zero.
    doing: [AtomicU64; WORDS],
}

/// epoch: 16 bits, limit: 24 bits, taken: 24 bits.
#[derive(Clone, Copy)]
struct Grant {
    epoch: u16,
    limit: u32,
    taken: u32,
}

impl Grant {
    const MASK: u64 = 0xff_ffff;

    fn unpack(word: u64) -> Self {
        Self {
            epoch: (word >> 48) as u16,
            limit: ((word >> 24) & Self::MASK) as u32,
            taken: (word & Self::MASK) as u32,
        }
    }

    fn pack(self) -> u64 {
        (u64::from(self.epoch) << 48) | (u64::from(self.limit) << 24) | u64::from(self.taken)
    }
}

/// The shared page, inherited over fork, or attached to by a process that was given its file.
#[derive(Debug)]
pub struct Page {
    base: NonNull<Cell>,
    slots: usize,
    file: OwnedFd,
}

// SAFETY: all access goes through atomics; the mapping lives as long as the value.
unsafe impl Send for Page {}
// SAFETY: as above.
unsafe impl Sync for Page {}

impl Page {
    /// Makes a page with room for `slots` slots.
    pub fn new(slots: u16) -> std::io::Result<Self> {
        let file = memfd_create("pytest-concurrent-page", MemfdFlags::CLOEXEC)?;
        ftruncate(&file, length(slots) as u64)?;
        Self::map(file, slots)
    }

    /// Maps the page of another process, which has room for `slots` slots.
    pub fn attach(file: OwnedFd, slots: u16) -> std::io::Result<Self> {
        // Beyond the end of a file memory cannot be touched.
        if fstat(&file)?.st_size < length(slots).cast_signed() as i64 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Self::map(file, slots)
    }

    fn map(file: OwnedFd, slots: u16) -> std::io::Result<Self> {
        let flags = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED);
        // SAFETY: a mapping at an address of the kernel's choice aliases nothing of this process; the file is as long as
        // the mapping, and zeroes are valid cells.
        let address = unsafe { mmap(std::ptr::null_mut(), length(slots), flags.0, flags.1, &file, 0) }?;
        let base = NonNull::new(address.cast::<Cell>()).ok_or(std::io::ErrorKind::OutOfMemory)?;
        Ok(Self { base, slots: usize::from(slots).max(1), file })
    }

    /// What another process needs to attach to it.
    pub fn file(&self) -> &OwnedFd {
        &self.file
    }

    /// Lets the worker start `count` more tests of the current epoch, which is returned. A grant counts to 2^24;
    /// when that would overflow, nothing is granted and `None` returned: take back first.
    pub fn grant(&self, slot: Slot, count: u32) -> Option<u16> {
        let updated = self.cell(slot).grant.fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| {
            let grant = Grant::unpack(word);
            let limit = grant.limit + count;
            (u64::from(limit) <= Grant::MASK).then(|| Grant { limit, ..grant }.pack())
        });
        updated.ok().map(|word| Grant::unpack(word).epoch)
    }

    /// Begins a new epoch, so that nothing handed out before can start any more. Returns how many tests were taken back.
    pub fn take_back(&self, slot: Slot) -> u32 {
        let mut left = 0;
        let _ = self.cell(slot).grant.fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| {
            let grant = Grant::unpack(word);
            left = grant.limit.saturating_sub(grant.taken);
            Some(Grant { epoch: grant.epoch.wrapping_add(1), limit: 0, taken: 0 }.pack())
        });
        left
    }

    /// In a worker: claims the next test of this epoch. `false` = it was taken back.
    pub fn take(&self, slot: Slot, epoch: u16) -> bool {
        let taken = self.cell(slot).grant.fetch_update(Ordering::AcqRel, Ordering::Acquire, |word| {
            let grant = Grant::unpack(word);
            let free = grant.epoch == epoch && grant.taken < grant.limit;
            free.then(|| Grant { taken: grant.taken + 1, ..grant }.pack())
        });
        taken.is_ok()
    }

    /// In a worker: whether tests of this epoch may still start.
    pub fn is_current(&self, slot: Slot, epoch: u16) -> bool {
        let grant = Grant::unpack(self.cell(slot).grant.load(Ordering::Acquire));
        grant.epoch == epoch && grant.taken < grant.limit
    }

    /// How many tests the worker may still start.
    pub fn ahead(&self, slot: Slot) -> u32 {
        let grant = Grant::unpack(self.cell(slot).grant.load(Ordering::Acquire));
        grant.limit.saturating_sub(grant.taken)
    }

    /// In a worker: says what it is doing. A set-up is the beginning of a test.
    pub fn enter(&self, slot: Slot, test: TestId, phase: Phase) {
        let cell = self.cell(slot);
        cell.test.store(test.0, Ordering::Relaxed);
        if phase == Phase::Setup {
            cell.since.store(monotonic(), Ordering::Relaxed);
            // After the test: who finds these finds that too.
            cell.sharing.since.store(0, Ordering::Release);
            cell.sharing.spent.store(0, Ordering::Release);
        }
        cell.phase.store(phase as u32, Ordering::Release);
    }

    /// In a worker: says that it is at something that tests share, such as `set-up of module fixture 'db'`, or not any
    /// more. Of a long text the beginning is kept.
    pub fn share(&self, slot: Slot, doing: Option<&str>) {
        let sharing = &self.cell(slot).sharing;
        let (now, since) = (monotonic(), sharing.since.load(Ordering::Relaxed));
        if since != 0 {
            // Whoever reads meanwhile finds too much, and looks again, rather than too little.
            sharing.spent.fetch_add(now.saturating_sub(since), Ordering::Release);
        }
        let text = doing.unwrap_or_default().as_bytes();
        for (word, eight) in sharing.doing.iter().zip(text.chunks(8).chain(std::iter::repeat(&[][..]))) {
            let mut bytes = [0; 8];
            bytes[..eight.len()].copy_from_slice(eight);
            word.store(u64::from_ne_bytes(bytes), Ordering::Relaxed);
        }
        sharing.since.store(if doing.is_some() { now } else { 0 }, Ordering::Release);
    }

    /// How much of the time of the test that the worker is at went to what tests share, as far as it can be believed.
    pub fn shared(&self, slot: Slot) -> (TestId, Shared) {
        let cell = self.cell(slot);
        let since = cell.sharing.since.load(Ordering::Acquire);
        let over = Duration::from_nanos(cell.sharing.spent.load(Ordering::Acquire));
        let within = (since != 0).then(|| Duration::from_nanos(monotonic().saturating_sub(since)));
        let spent = over.saturating_add(within.unwrap_or_default());
        (TestId(cell.test.load(Ordering::Acquire)), Shared { spent, within })
    }

    /// What the worker is at that tests share, in words; empty if nothing. A worker may have written anything there.
    pub fn sharing(&self, slot: Slot) -> String {
        let sharing = &self.cell(slot).sharing;
        if sharing.since.load(Ordering::Acquire) == 0 {
            return String::new();
        }
        let words = sharing.doing.iter().flat_map(|word| word.load(Ordering::Relaxed).to_ne_bytes());
        let bytes: Vec<_> = words.take_while(|byte| *byte != 0).collect();
        String::from_utf8_lossy(&bytes).replace(|letter: char| letter.is_control(), "?")
    }

    /// No worker is there any more, or not yet one of its own.
    pub fn clear(&self, slot: Slot) {
        self.take_back(slot);
        let cell = self.cell(slot);
        cell.sharing.since.store(0, Ordering::Release);
        cell.phase.store(Phase::Idle as u32, Ordering::Release);
    }

    /// What the worker was doing when last heard of, as far as it can be believed.
    pub fn doing(&self, slot: Slot) -> (Phase, TestId) {
        let cell = self.cell(slot);
        let phase = Phase::from_word(cell.phase.load(Ordering::Acquire));
        (phase, TestId(cell.test.load(Ordering::Relaxed)))
    }

    /// The tests that run now, as far as workers can be believed: where, which, and for how long.
    pub fn running(&self) -> Vec<(Slot, TestId, Duration)> {
        let now = monotonic();
        let running = |slot| {
            let (phase, test) = self.doing(slot);
            let since = self.cell(slot).since.load(Ordering::Relaxed);
            (phase != Phase::Idle).then(|| (slot, test, Duration::from_nanos(now.saturating_sub(since))))
        };
        (0..self.slots).filter_map(|slot| running(Slot(slot as u16))).collect()
    }

    fn cell(&self, slot: Slot) -> &Cell {
        assert!(slot.index() < self.slots, "no slot {slot}");
        // SAFETY: the index was checked; cells are only ever accessed through their atomics.
        unsafe { self.base.add(slot.index()).as_ref() }
    }
}

fn length(slots: u16) -> usize {
    usize::from(slots).max(1) * size_of::<Cell>()
}

/// Nanoseconds of the monotonic clock.
fn monotonic() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}

impl Drop for Page {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `map` with this length and nothing borrows from it any more.
        let _ = unsafe { munmap(self.base.as_ptr().cast::<c_void>(), self.slots * size_of::<Cell>()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GW0: Slot = Slot(0);

    #[test]
    fn a_worker_takes_what_was_granted() {
        let page = Page::new(2).unwrap();
        let epoch = page.grant(GW0, 2).unwrap();
        assert_eq!((page.take(GW0, epoch), page.take(GW0, epoch), page.take(GW0, epoch)), (true, true, false));
        assert_eq!(page.ahead(GW0), 0);
    }

    #[test]
    fn a_test_taken_back_cannot_start() {
        let page = Page::new(1).unwrap();
        let epoch = page.grant(GW0, 3).unwrap();
        assert!(page.take(GW0, epoch));
        assert_eq!(page.take_back(GW0), 2);
        let later = page.grant(GW0, 1).unwrap();
        assert!(!page.take(GW0, epoch));
        assert!(page.take(GW0, later));
    }

    #[test]
    fn every_test_is_taken_or_taken_back_never_both() {
        let page = Page::new(1).unwrap();
        for _ in 0..200 {
            let epoch = page.grant(GW0, 100).unwrap();
            std::thread::scope(|scope| {
                let worker = scope.spawn(|| (0..100).filter(|_| page.take(GW0, epoch)).count());
                let back = page.take_back(GW0) as usize;
                assert_eq!(worker.join().unwrap() + back, 100);
            });
        }
    }

    #[test]
    fn shared_set_ups_are_summed_until_the_next_test() {
        let page = Page::new(1).unwrap();
        page.enter(GW0, TestId(3), Phase::Setup);
        page.share(GW0, Some("set-up of session fixture 'one'"));
        page.share(GW0, Some("set-up of module fixture 'two'"));
        assert_eq!(page.sharing(GW0), "set-up of module fixture 'two'");
        let (test, within) = page.shared(GW0);
        assert!(test == TestId(3) && within.within.is_some_and(|within| within <= within_all(&page)));
        page.share(GW0, None);
        let (_, over) = page.shared(GW0);
        assert!(over.within.is_none() && over.spent >= within.spent && page.sharing(GW0).is_empty());
        page.enter(GW0, TestId(4), Phase::Setup);
        assert_eq!(page.shared(GW0), (TestId(4), Shared::default()));
    }

    fn within_all(page: &Page) -> Duration {
        page.shared(GW0).1.spent
    }

    #[test]
    fn whatever_a_worker_calls_its_set_up_is_one_short_line() {
        let page = Page::new(1).unwrap();
        page.share(GW0, Some(&"\u{1b}[2Jgrüße\n".repeat(20)));
        let told = page.sharing(GW0);
        assert!(told.starts_with("?[2Jgrüße?") && told.len() <= 3 * 8 * WORDS);
        assert!(!told.contains(char::is_control));
        page.clear(GW0);
        assert_eq!(page.sharing(GW0), "");
    }

    #[test]
    fn an_attached_page_is_the_same_page() {
        let page = Page::new(2).unwrap();
        let attached = Page::attach(page.file().try_clone().unwrap(), 2).unwrap();
        let epoch = page.grant(GW0, 1).unwrap();
        assert!(attached.take(GW0, epoch));
        assert_eq!(page.ahead(GW0), 0);
        assert!(Page::attach(page.file().try_clone().unwrap(), 3).is_err(), "it is too short");
    }

    #[test]
    fn an_overflowing_grant_is_refused() {
        let page = Page::new(1).unwrap();
        assert!(page.grant(GW0, 0xff_ffff).is_some());
        assert_eq!(page.grant(GW0, 1), None);
    }
}
