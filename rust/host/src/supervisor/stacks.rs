//! Where workers stand: the stacks of their threads, at a limit and for somebody who asks.

use std::path::PathBuf;
use std::time::Duration;

use engine::{Event, Slot, Standing, TestId};

use super::{Message, Supervisor};
use crate::process::{Spy, catches, stacks_signal};

/// How long `faulthandler` is given for somebody who asks. A hundred threads take some milliseconds.
const WRITING: Duration = Duration::from_millis(250);

/// How long py-spy may take: it reads the symbols of the interpreter and of every library first, which took 0.4 s for a
/// worker with numpy on an idle machine.
pub const NATIVE: Duration = Duration::from_secs(3);

/// What a worker is about, for somebody who asks.
#[derive(Clone, Debug)]
pub struct WorkerStatus {
    /// Where.
    pub slot: Slot,
    /// Its process, if there is one.
    pub pid: Option<i32>,
    /// What it does.
    pub standing: Standing,
    /// The test that it runs, and how long it has.
    pub test: Option<(TestId, Duration)>,
    /// The stacks of its threads; empty if it runs no test, or wrote none.
    pub stacks: String,
    /// What py-spy said of them; empty without it.
    pub native: String,
}

/// One look by py-spy.
struct Look {
    spy: Spy,
    until: Duration,
    at_limit: bool,
}

/// Somebody asked, and the answers are being written.
struct Inquiry {
    /// Not before.
    least: Duration,
    /// Not after.
    most: Duration,
    /// Where the stacks begin in each worker's fault file; `None` = it was not asked.
    marks: Vec<Option<u64>>,
    native: Vec<String>,
}

/// Looks that are under way.
pub(super) struct Stacks {
    spy: Option<PathBuf>,
    looks: Vec<Option<Look>>,
    inquiry: Option<Inquiry>,
}

impl Stacks {
    /// `spy` is where py-spy is, if it is.
    pub(super) fn new(slots: u16, spy: Option<PathBuf>) -> Self {
        Self { spy, looks: (0..slots).map(|_| None).collect(), inquiry: None }
    }

    /// The looks that are under way, and what becomes readable when each is over.
    pub(super) fn pidfds(&self) -> impl Iterator<Item = (Slot, &std::os::fd::OwnedFd)> {
        let looks = self.looks.iter().enumerate();
        looks.filter_map(|(index, look)| Some((Slot(index as u16), look.as_ref()?.spy.pidfd())))
    }

    /// When something here is due. An inquiry that waits for a look is due when that ends.
    pub(super) fn deadline(&self, now: Duration) -> Option<Duration> {
        let looks = self.looks.iter().flatten().map(|look| look.until);
        let inquiry = self.inquiry.iter().map(|inquiry| if inquiry.least > now { inquiry.least } else { inquiry.most });
        looks.chain(inquiry).min()
    }

    /// The worker is gone.
    pub(super) fn forget(&mut self, slot: Slot) {
        if let Some(look) = self.looks.get_mut(slot.index()) {
            *look = None;
        }
    }
}

impl Supervisor {
    /// A limit is reached: everything that can be known of where the worker stands is to be in its evidence.
    pub(super) fn dump_stacks(&mut self, slot: Slot) {
        self.with(slot, |worker| worker.signal(stacks_signal()));
        if self.stacks.spy.is_some() && !self.look(slot, true) {
            self.events.push_back(Event::StacksWritten { slot });
        }
    }

    /// Somebody asks what the run is doing. The answer is a message, soon.
    pub(super) fn inquire(&mut self) {
        if self.stacks.inquiry.is_some() {
            return;
        }
        let marks: Vec<_> = self.slots().map(|slot| self.ask_for_stacks(slot)).collect();
        let asked: Vec<_> = self.slots().filter(|slot| marks[slot.index()].is_some()).collect();
        let native = vec![String::new(); marks.len()];
        let now = self.clock.now();
        self.stacks.inquiry = Some(Inquiry { least: now + WRITING, most: now + NATIVE, marks, native });
        for slot in asked {
            self.look(slot, false);
        }
    }

    /// Looks that are over, and answers that are due.
    pub(super) fn attend_stacks(&mut self) {
        let now = self.clock.now();
        for look in &mut self.stacks.looks {
            look.take_if(|look| look.until <= now);
        }
        let looking = self.stacks.looks.iter().flatten().any(|look| !look.at_limit);
        let is_due = |inquiry: &mut Inquiry| inquiry.least <= now && (!looking || inquiry.most <= now);
        if let Some(inquiry) = self.stacks.inquiry.take_if(is_due) {
            self.answer(&inquiry);
        }
    }

    pub(super) fn look_ended(&mut self, slot: Slot) {
        let Some(look) = self.stacks.looks.get_mut(slot.index()).and_then(Option::take) else { return };
        let text = look.spy.seen().unwrap_or_default();
        if look.at_limit {
            self.with(slot, |worker| worker.native = text);
            self.feed(Event::StacksWritten { slot });
        } else if let Some(inquiry) = &mut self.stacks.inquiry {
            inquiry.native[slot.index()] = text;
        }
    }

    /// `false` = py-spy is not there or cannot be started.
    fn look(&mut self, slot: Slot, at_limit: bool) -> bool {
        let until = self.clock.now() + NATIVE;
        let pid = self.worker(slot).and_then(|worker| worker.pid);
        let (Some(program), Some(pid)) = (&self.stacks.spy, pid) else { return false };
        let Some(place) = self.stacks.looks.get_mut(slot.index()) else { return false };
        *place = Spy::look(program, pid).ok().map(|spy| Look { spy, until, at_limit });
        place.is_some()
    }

    /// Has a worker that runs a test write its stacks; where in its fault file they will begin. A test that took the
    /// signal's handler away is left alone: it would die of it.
    fn ask_for_stacks(&mut self, slot: Slot) -> Option<u64> {
        let busy = matches!(self.run.standing(slot), Standing::Testing(_) | Standing::Debugging);
        let worker = self.worker(slot).filter(|_| busy)?;
        worker.pid.filter(|pid| catches(*pid, stacks_signal()))?;
        let mark = worker.near.fault.metadata().ok()?.len();
        worker.signal(stacks_signal());
        Some(mark)
    }

    fn answer(&mut self, inquiry: &Inquiry) {
        let statuses = self.slots().map(|slot| self.status(slot, inquiry)).collect();
        self.tell(Message::Status(statuses));
    }

    fn status(&mut self, slot: Slot, inquiry: &Inquiry) -> WorkerStatus {
        let standing = self.run.standing(slot);
        let now = self.clock.now();
        let native = inquiry.native[slot.index()].clone();
        let Some(worker) = self.worker(slot) else {
            return WorkerStatus { slot, pid: None, standing, test: None, stacks: String::new(), native };
        };
        let stacks = inquiry.marks[slot.index()].map(|mark| worker.stacks_since(mark)).unwrap_or_default();
        let pid = worker.pid.map(|pid| pid.as_raw_nonzero().get());
        let test = worker.running.map(|(test, since)| (test, now.saturating_sub(since)));
        WorkerStatus { slot, pid, standing, test, stacks, native }
    }

    fn slots(&self) -> impl Iterator<Item = Slot> + use<> {
        (0..self.workers.len()).map(|index| Slot(index as u16))
    }
}
