//! How many workers run at once: more while processors idle, fewer when memory or processors run short.

use std::time::Duration;

use crate::command::ScaleCause;
use crate::event::Load;
use crate::suite::Scaling;

/// With less idle time than this nothing is added: what the next worker's start costs would show as load.
const IDLE: f64 = 0.1;

/// Processors are not planned fuller than this: the supervisor and whatever tests start need some time as well.
const GOAL: f64 = 0.95;

/// So many measurements in a row must show idle time, so that a moment's pause starts no worker.
const IDLE_IN_A_ROW: u32 = 2;

/// Processors with more waiting and less idle time than this have more workers than they can serve. Waiting alone is no
/// sign: two busy workers on two processors wait for the supervisor now and then.
const STRAINED_PRESSURE: f64 = 0.9;
const STRAINED_IDLE: f64 = 0.02;

/// So many measurements in a row must show strain: too many workers cost little, a worker too few costs its share.
const STRAINED_IN_A_ROW: u32 = 4;

/// Part of all memory below which it is short, and part that new workers leave alone.
const SHORT_PART: u64 = 20;
const RESERVE_PART: u64 = 10;

/// Memory is short as well if it will be after so many more measurements like the last: workers need time to leave.
const LOOK_AHEAD: u64 = 4;

/// Waiting for memory for so much of the time means that pages are being written out and read back.
const MEMORY_PRESSURE: f64 = 0.1;

/// What a worker is thought to own while none was measured, and at least: a forked interpreter with pytest.
const LEAST_MEMORY: u64 = 32 << 20;

/// After fewer workers were ordered: the time that they are given to leave before still fewer are.
const TIME_TO_LEAVE: Duration = Duration::from_millis(500);

/// After memory or processors ran short: what was the reason may come back as soon as there are more workers.
const CAUTION: Duration = Duration::from_secs(10);

/// What the run looks like when the load is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crew {
    /// Workers that were started and not told to leave.
    pub(crate) working: u16,
    /// Whether one more would find something to do.
    pub(crate) wanting: bool,
}

/// The number of workers that are to run now.
#[derive(Clone, Debug)]
pub(crate) struct Scale {
    bounds: Scaling,
    most: u16,
    target: u16,
    /// The most memory that a worker was seen to own.
    largest: u64,
    /// What could be had when last measured, in bytes.
    free: Option<u64>,
    idle_for: u32,
    strained_for: u32,
    no_more_before: Duration,
    no_fewer_before: Duration,
}

impl Scale {
    /// Begins with [`Scaling::first`], between the bounds.
    pub(crate) fn new(bounds: Scaling, most: u16) -> Self {
        let most = most.max(1);
        let bounds = Scaling { least: bounds.least.clamp(1, most), ..bounds };
        Self {
            bounds,
            most,
            target: bounds.first.clamp(bounds.least, most),
            largest: 0,
            free: None,
            idle_for: 0,
            strained_for: 0,
            no_more_before: Duration::ZERO,
            no_fewer_before: Duration::ZERO,
        }
    }

    pub(crate) fn target(&self) -> u16 {
        self.target
    }

    /// A worker owns so much memory, in bytes.
    pub(crate) fn note_memory(&mut self, bytes: u64) {
        self.largest = self.largest.max(bytes);
    }

    /// Move the target if the load demands it, and say why.
    pub(crate) fn decide(&mut self, load: &Load, crew: Crew, now: Duration) -> Option<ScaleCause> {
        let idles = crew.wanting && crew.working >= self.target && load.idle >= IDLE;
        let strained = load.cpu_pressure >= STRAINED_PRESSURE && load.idle <= STRAINED_IDLE;
        self.idle_for = if idles { self.idle_for + 1 } else { 0 };
        self.strained_for = if strained { self.strained_for + 1 } else { 0 };
        if self.is_short_of_memory(load) {
            let fewer = (self.target.min(crew.working) / 4).max(1);
            return self.shrink(fewer, self.bounds.least, crew, now).then_some(ScaleCause::Memory);
        }
        if self.strained_for >= STRAINED_IN_A_ROW {
            let least = self.bounds.least.max(self.bounds.processors);
            return self.shrink((self.target / 8).max(1), least, crew, now).then_some(ScaleCause::Cpu);
        }
        (self.idle_for >= IDLE_IN_A_ROW && self.grow(load, now)).then_some(ScaleCause::Idle)
    }

    fn is_short_of_memory(&mut self, load: &Load) -> bool {
        let before = self.free.replace(load.free).unwrap_or(load.free);
        let lost = before.saturating_sub(load.free).saturating_mul(LOOK_AHEAD);
        load.free.saturating_sub(lost) < load.total / SHORT_PART || load.memory_pressure >= MEMORY_PRESSURE
    }

    fn shrink(&mut self, fewer: u16, least: u16, crew: Crew, now: Duration) -> bool {
        self.no_more_before = now.saturating_add(CAUTION);
        let target = self.target.min(crew.working).saturating_sub(fewer).max(least);
        if now < self.no_fewer_before || target >= self.target {
            return false;
        }
        self.no_fewer_before = now.saturating_add(TIME_TO_LEAVE);
        self.strained_for = 0;
        self.target = target;
        true
    }

    /// As many more as would fill the processors if they are like those that run, at most twice as many.
    fn grow(&mut self, load: &Load, now: Duration) -> bool {
        if now < self.no_more_before {
            return false;
        }
        let busy = 1.0 - load.idle;
        let by_processors = (f64::from(self.target) * (GOAL / busy.max(0.01) - 1.0).clamp(0.0, 1.0)) as u64;
        let room = load.free.saturating_sub(load.total / RESERVE_PART);
        let by_memory = room / self.largest.max(LEAST_MEMORY);
        let more = by_processors.min(by_memory).min(u64::from(self.most - self.target)) as u16;
        self.idle_for = 0;
        self.target += more;
        more > 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GIB: u64 = 1 << 30;
    const STEP: Duration = Duration::from_millis(250);

    fn bounds(first: u16, least: u16) -> Scaling {
        Scaling { first, least, processors: 2 }
    }

    fn idle(share: f64) -> Load {
        Load { idle: share, cpu_pressure: 0.0, memory_pressure: 0.0, free: 8 * GIB, total: 16 * GIB }
    }

    /// A scale and the time, moved on by one measurement after another while every worker has something to do.
    struct Play {
        scale: Scale,
        now: Duration,
        changes: Vec<(u16, ScaleCause)>,
    }

    impl Play {
        fn new(first: u16, least: u16, most: u16) -> Self {
            Self { scale: Scale::new(bounds(first, least), most), now: Duration::ZERO, changes: Vec::new() }
        }

        fn measure(&mut self, load: Load) {
            let crew = Crew { working: self.scale.target(), wanting: true };
            self.now += STEP;
            if let Some(cause) = self.scale.decide(&load, crew, self.now) {
                self.changes.push((self.scale.target(), cause));
            }
        }

        fn targets(&self) -> Vec<u16> {
            self.changes.iter().map(|(target, _)| *target).collect()
        }
    }

    #[test]
    fn waiting_tests_on_idle_processors_double_the_workers() {
        let mut play = Play::new(2, 2, 16);
        (0..8).for_each(|_| play.measure(idle(0.95)));
        assert_eq!(play.changes, [(4, ScaleCause::Idle), (8, ScaleCause::Idle), (16, ScaleCause::Idle)]);
    }

    #[test]
    fn nothing_is_added_without_tests_that_wait() {
        let mut scale = Scale::new(bounds(2, 2), 16);
        let crew = Crew { working: 2, wanting: false };
        assert!((1..9).all(|n| scale.decide(&idle(0.95), crew, n * STEP).is_none()));
    }

    #[test]
    fn one_idle_moment_adds_nothing() {
        let mut play = Play::new(2, 2, 16);
        (0..8).for_each(|n| play.measure(idle(if n % 2 == 0 { 0.9 } else { 0.0 })));
        assert_eq!(play.targets(), []);
    }

    #[test]
    fn busy_processors_are_left_alone() {
        let mut play = Play::new(2, 2, 16);
        (0..40).for_each(|_| play.measure(Load { cpu_pressure: 0.5, ..idle(0.0) }));
        assert_eq!(play.targets(), []);
    }

    #[test]
    fn strained_processors_lose_workers_down_to_their_number() {
        let mut play = Play::new(16, 1, 16);
        (0..200).for_each(|_| play.measure(Load { cpu_pressure: 1.0, ..idle(0.0) }));
        assert_eq!(play.changes[0], (14, ScaleCause::Cpu));
        assert_eq!(play.targets().last(), Some(&2));
    }

    #[test]
    fn short_memory_takes_workers_away_at_once() {
        let short = Load { free: GIB / 2, ..idle(0.9) };
        let mut play = Play::new(8, 2, 16);
        play.measure(short);
        assert_eq!(play.changes, [(6, ScaleCause::Memory)]);
        (0..20).for_each(|_| play.measure(short));
        assert_eq!(play.targets(), [6, 5, 4, 3, 2]);
    }

    #[test]
    fn memory_that_goes_fast_is_short_before_it_is_gone() {
        let mut play = Play::new(8, 2, 16);
        for free in [8, 7, 6] {
            play.measure(Load { free: free * GIB, ..idle(0.0) });
        }
        assert_eq!(play.targets(), []);
        play.measure(Load { free: 4 * GIB, ..idle(0.0) });
        assert_eq!(play.changes, [(6, ScaleCause::Memory)]);
    }

    #[test]
    fn waiting_for_memory_counts_as_short() {
        let mut play = Play::new(8, 2, 16);
        play.measure(Load { memory_pressure: 0.3, ..idle(0.9) });
        assert_eq!(play.changes, [(6, ScaleCause::Memory)]);
    }

    #[test]
    fn memory_that_ran_short_makes_careful() {
        let mut play = Play::new(8, 2, 16);
        play.measure(Load { free: 0, ..idle(0.9) });
        (0..39).for_each(|_| play.measure(idle(0.9)));
        assert_eq!(play.targets(), [6]);
        (0..3).for_each(|_| play.measure(idle(0.9)));
        assert_eq!(play.targets()[..2], [6, 12]);
    }

    #[test]
    fn new_workers_leave_a_reserve_of_memory() {
        let mut play = Play::new(4, 2, 16);
        play.scale.note_memory(GIB);
        // 10 % of 16 GiB stay free, and the rest of 3 GiB is room for one.
        (0..4).for_each(|_| play.measure(Load { free: 3 * GIB, ..idle(0.9) }));
        assert_eq!(play.targets()[0], 5);
    }

    proptest! {
        /// Tests that each need a part of a processor: the number settles, and neither idles nor strains for long.
        #[test]
        fn steady_work_finds_a_steady_number(part in 0.02..2.0_f64, processors in 1_u16..16, first in 1_u16..16) {
            let mut play = Play::new(first, 1, 16);
            play.scale.bounds.processors = processors;
            let mut settled = 0;
            for n in 0..400 {
                let demand = f64::from(play.scale.target()) * part / f64::from(processors);
                let pressure = if demand > 1.05 { 1.0 } else { 0.0 };
                play.measure(Load { cpu_pressure: pressure, ..idle((1.0 - demand).max(0.0)) });
                if n < 300 {
                    settled = play.changes.len();
                }
            }
            prop_assert_eq!(play.changes.len(), settled, "{:?}", play.changes);
            let target = f64::from(play.scale.target());
            let could_be_more = (target + 1.0) * part / f64::from(processors) < 0.9 && target < 16.0;
            prop_assert!(!could_be_more, "{:?}", play.scale);
        }

        #[test]
        fn bounds_hold_whatever_is_measured(
            loads in proptest::collection::vec((any::<[f64; 3]>(), any::<u64>(), any::<u64>(), 0_u16..20, any::<bool>()), 0..60),
            first in 0_u16..30, least in 0_u16..30, most in 0_u16..20,
        ) {
            let mut scale = Scale::new(bounds(first, least), most);
            for (n, ([idle, cpu_pressure, memory_pressure], free, total, working, wanting)) in (1..).zip(loads) {
                let load = Load { idle, cpu_pressure, memory_pressure, free, total };
                let before = scale.target();
                let moved = scale.decide(&load, Crew { working, wanting }, n * STEP);
                prop_assert_eq!(moved.is_some(), scale.target() != before);
                prop_assert!((1..=most.max(1)).contains(&scale.target()));
                prop_assert!(scale.target() >= least.min(most));
            }
        }
    }
}
