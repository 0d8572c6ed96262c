//! What a plan promises: how long the run takes at best.

use std::time::Duration;

use super::classes::{FREE, SERIAL};
use super::plan::Plan;
use super::units::{Kind, Unit};

/// What is thought about a run before it starts. Times are estimates; an unknown test counts as the median.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outlook {
    /// All tests and the shared set-ups that are known, one after another.
    pub work: Duration,
    /// The longest thing that cannot be divided: a test, a group, or what waits for one resource.
    pub longest: Duration,
    /// Tests that run alone.
    pub serial: Duration,
    /// No run with so many workers can be shorter.
    pub bound: Duration,
    /// What each worker is likely to get, by slot.
    pub shares: Vec<Share>,
}

/// What one worker is likely to get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Tests.
    pub tests: usize,
    /// Estimated time.
    pub time: Duration,
}

impl Outlook {
    pub(super) fn of(plan: &Plan) -> Self {
        let time = |unit: &Unit| unit.time(&plan.estimates) + unit.set_up;
        let work: Duration = plan.units.iter().map(time).sum();
        let serial = plan.units.iter().filter(|unit| unit.class == SERIAL).map(time).sum();
        let chains = (SERIAL + 1..plan.shelves.len()).map(|class| plan.chain(class));
        let indivisible = plan.units.iter().filter(|unit| unit.class != SERIAL).map(|unit| indivisible(plan, unit));
        let longest = indivisible.chain(chains).max().unwrap_or_default();
        let even = work.saturating_sub(serial) / u32::from(plan.workers);
        Self { work, longest, serial, bound: even.max(longest) + serial, shares: shares(plan) }
    }
}

/// The longest part of a unit that one worker has to do alone.
fn indivisible(plan: &Plan, unit: &Unit) -> Duration {
    if unit.kind == Kind::Hard {
        return unit.time(&plan.estimates) + unit.set_up;
    }
    unit.tests.iter().map(|test| plan.estimates.of(*test)).max().unwrap_or_default()
}

/// Deal blocks to whoever has least, then tests of the fillers one by one.
fn shares(plan: &Plan) -> Vec<Share> {
    let mut shares = vec![Share::default(); usize::from(plan.workers)];
    for class in [FREE].into_iter().chain(SERIAL + 1..plan.shelves.len()).chain([SERIAL]) {
        for key in &plan.shelves[class] {
            let unit = &plan.units[key.unit];
            if unit.kind == Kind::Loose {
                unit.tests.iter().for_each(|test| deal(&mut shares, 1, plan.estimates.of(*test)));
            } else {
                deal(&mut shares, unit.tests.len(), unit.time(&plan.estimates) + unit.set_up);
            }
        }
    }
    shares
}

fn deal(shares: &mut [Share], tests: usize, time: Duration) {
    if let Some(share) = shares.iter_mut().min_by_key(|share| share.time) {
        share.tests += tests;
        share.time += time;
    }
}
