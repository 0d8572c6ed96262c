//! The plan's running sums always say what counting would.

use std::time::Duration;

use proptest::prelude::*;

use super::batch::{HORIZON, Room};
use super::classes::SERIAL;
use super::plan::Plan;
use super::stock::Stock;
use super::units::testing::{fixture, suite, test, unmeasured};
use super::units::{Kind, Unit};
use crate::event::FixtureSetUp;
use crate::ids::{FixtureId, Slot, TestId};
use crate::suite::{Config, Limits, Order, Recycling, Retries, Test};

#[derive(Clone, Debug)]
enum Deed {
    Take { slot: u16, fresh: bool, leaving: bool },
    PutBack { slot: u16, count: usize },
    End { slot: u16 },
    Abandon { slot: u16 },
    Measure { fixture: u32, seconds: f64 },
}

fn any_deed() -> impl Strategy<Value = Deed> {
    let slot = || 0_u16..3;
    prop_oneof![
        4 => (slot(), any::<bool>(), any::<bool>()).prop_map(|(slot, fresh, leaving)| Deed::Take { slot, fresh, leaving }),
        2 => (slot(), 0_usize..9).prop_map(|(slot, count)| Deed::PutBack { slot, count }),
        3 => slot().prop_map(|slot| Deed::End { slot }),
        1 => slot().prop_map(|slot| Deed::Abandon { slot }),
        1 => (0_u32..3, 0.0..0.1).prop_map(|(fixture, seconds)| Deed::Measure { fixture, seconds }),
    ]
}

fn any_test() -> impl Strategy<Value = Test> {
    let estimate = prop::option::of(0.0..0.05);
    let kind = (prop::option::weighted(0.3, 0_u32..3), prop::bool::weighted(0.1), prop::bool::weighted(0.2));
    (0_u32..3, estimate, kind, prop::option::of(0_u32..3), 0_u8..2).prop_map(
        |(module, estimate, (group, serial, needy), shared, turn)| {
            let plain = test(module).using(shared.as_slice()).needing(if needy { &[0] } else { &[] });
            let grouped = group.map_or(plain.clone(), |group| plain.grouped(group));
            Test { estimate, turn, serial, ..grouped }
        },
    )
}

fn plan(tests: Vec<Test>, order: Order) -> Plan {
    let mut suite = suite(tests);
    suite.fixtures = vec![fixture(0.02), unmeasured(), unmeasured(), unmeasured(), unmeasured()];
    suite.resources = vec![1];
    let second = Duration::from_secs(1);
    let limits = Limits { test: None, worker: second, run: None, slow: second, stacks: second, grace: second };
    let config = Config {
        workers: 3,
        max_failures: None,
        limits,
        max_restarts: 0,
        order,
        asks: false,
        recycling: Recycling::default(),
        retries: Retries { most: 0, delay: second, seed: 0 },
        scaling: None,
    };
    Plan::new(&suite, &config)
}

#[test]
fn later_turn_waits_however_long_its_tests() {
    let tests = [test(0).lasting(1.0).in_turn(1), test(0).lasting(0.001), test(1).lasting(0.5)];
    let handed_out = |order| {
        let mut plan = plan(tests.to_vec(), order);
        let busy = || vec![Duration::ZERO; 3];
        let room = || Room { time: HORIZON, tests: 9, leaving: false, fresh: true, alone: false, busy: busy() };
        let rounds = (0..tests.len()).flat_map(|_| plan.take(Slot(0), room()));
        rounds.map(|handed| handed.test.0).collect::<Vec<_>>()
    };
    assert_eq!(handed_out(Order::LongestFirst), [2, 1, 0]);
    assert_eq!(handed_out(Order::Given), [0, 1, 2]);
}

#[test]
fn long_tests_go_first_and_short_ones_in_collection_order() {
    // The third takes more than a hundredth of the ideal time, but nobody would notice it at the end.
    let tests = [test(0).lasting(0.001), test(1).lasting(0.5), test(2).lasting(0.05), test(3).lasting(0.9)];
    let mut plan = plan(tests.to_vec(), Order::LongestFirst);
    let room =
        || Room { time: HORIZON, tests: 1, leaving: false, fresh: true, alone: false, busy: vec![Duration::ZERO; 3] };
    let handed_out: Vec<_> = (0..4).flat_map(|_| plan.take(Slot(0), room())).map(|handed| handed.test.0).collect();
    assert_eq!(handed_out, [3, 1, 0, 2]);
}

#[test]
fn worker_stays_in_its_module_while_there_are_others_for_others() {
    let pair = |module, fixture| [test(module).using(&[fixture]), test(module).using(&[fixture])];
    // A plugin has moved a test of the first module to the end.
    let tests =
        [pair(0, 1).to_vec(), pair(0, 2).to_vec(), pair(1, 3).to_vec(), pair(1, 4).to_vec(), vec![test(0)]].concat();
    let mut plan = plan(tests, Order::LongestFirst);
    let mut begins_with = |slot| {
        let busy = vec![Duration::ZERO; 3];
        let room = Room { time: HORIZON, tests: 2, leaving: false, fresh: true, alone: false, busy };
        plan.take(Slot(slot), room).first().map(|handed| handed.test.0)
    };
    // The third finds no module for itself, and helps.
    let expected = [0, 4, 5, 6, 1, 2].map(Some);
    assert_eq!([0, 1, 1, 1, 0, 2].map(&mut begins_with), expected);
}

fn perform(plan: &mut Plan, handed: &mut [Vec<TestId>], deed: &Deed) {
    match *deed {
        Deed::Take { slot, fresh, leaving } => {
            let fresh = fresh && handed[usize::from(slot)].is_empty();
            let alone = handed.iter().all(Vec::is_empty);
            let room = Room { time: HORIZON, tests: 9, leaving, fresh, alone, busy: vec![Duration::ZERO; 3] };
            handed[usize::from(slot)].extend(plan.take(Slot(slot), room).iter().map(|handed| handed.test));
        }
        Deed::PutBack { slot, count } => {
            let tests = &mut handed[usize::from(slot)];
            let taken = tests.split_off(tests.len().saturating_sub(count));
            plan.put_back(Slot(slot), taken.into_iter().rev());
        }
        Deed::End { slot } if !handed[usize::from(slot)].is_empty() => {
            plan.ended(Slot(slot), handed[usize::from(slot)].remove(0));
        }
        Deed::End { .. } => {}
        Deed::Abandon { slot } => {
            plan.put_back(Slot(slot), std::mem::take(&mut handed[usize::from(slot)]).into_iter().rev());
            plan.abandon(Slot(slot));
        }
        Deed::Measure { fixture, seconds } => {
            plan.learn_set_up(FixtureSetUp { fixture: FixtureId(fixture), seconds });
        }
    }
}

fn counted(plan: &Plan) -> Stock {
    let mut stock = Stock::default();
    for unit in &plan.units {
        for test in &unit.tests {
            stock.add(unit.class, unit.kind, plan.estimates.known(*test));
        }
        let whole = unit.kind != Kind::Loose && unit.class != SERIAL;
        stock.blocks += usize::from(whole && unit.key.is_some());
    }
    stock
}

/// A unit with tests stands on its shelf, or on the desk of its owner.
fn is_somewhere(plan: &Plan, id: usize, unit: &Unit) -> bool {
    let shelved = unit.key.is_some_and(|key| plan.shelves[unit.class].contains(&key));
    let on_desk = unit.owner.is_some_and(|owner| plan.desk(owner).units.contains(&id));
    unit.tests.is_empty() || shelved != on_desk
}

proptest! {
    #[test]
    fn running_sums_equal_what_is_counted(
        tests in proptest::collection::vec(any_test(), 0..40),
        deeds in proptest::collection::vec(any_deed(), 0..60),
        given in any::<bool>(),
    ) {
        let mut plan = plan(tests, if given { Order::Given } else { Order::LongestFirst });
        let mut handed = vec![Vec::new(); 3];
        for deed in deeds {
            perform(&mut plan, &mut handed, &deed);
            prop_assert_eq!(plan.stock, counted(&plan));
            prop_assert!(plan.units.iter().enumerate().all(|(id, unit)| is_somewhere(&plan, id, unit)), "{:#?}", plan);
        }
    }
}
