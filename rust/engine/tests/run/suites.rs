//! Suites, configurations and weather to play with.

use std::time::Duration;

use engine::{
    Config, Fixture, FixtureId, GroupId, Limits, Load, ModuleId, Order, Recycling, ResourceId, Retries, Scaling, Suite,
    Test,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::chance::Chance;
use crate::world::{Truth, Weather};

pub(crate) fn test(module: u32) -> Test {
    Test {
        module: ModuleId(module),
        estimate: None,
        turn: 0,
        fixtures: Vec::new(),
        group: None,
        serial: false,
        resources: Vec::new(),
        limit: None,
    }
}

pub(crate) fn limits() -> Limits {
    Limits {
        test: None,
        worker: Duration::from_secs(300),
        run: None,
        slow: Duration::from_secs(30),
        stacks: Duration::from_millis(250),
        grace: Duration::from_secs(5),
    }
}

pub(crate) fn config(workers: u16) -> Config {
    Config {
        workers,
        max_failures: None,
        limits: limits(),
        max_restarts: 4 * u32::from(workers),
        order: Order::LongestFirst,
        asks: false,
        recycling: Recycling::default(),
        retries: Retries { most: 3, delay: Duration::from_millis(100), seed: 1 },
        scaling: None,
    }
}

/// A suite whose estimates are what its tests take, `per_module` to a file.
pub(crate) fn measured(seconds: &[f64], per_module: usize) -> (Suite, Truth) {
    let measured = |(index, seconds): (usize, &f64)| {
        let module = (index / per_module) as u32;
        Test { estimate: Some(*seconds), ..test(module) }
    };
    let tests = seconds.iter().enumerate().map(measured).collect();
    (Suite { tests, ..Suite::default() }, Truth { tests: seconds.to_vec(), fixtures: Vec::new() })
}

/// The same suite before its first run.
pub(crate) fn unmeasured(mut suite: Suite) -> Suite {
    suite.tests.iter_mut().for_each(|test| test.estimate = None);
    suite.fixtures.iter_mut().for_each(|fixture| fixture.cost = None);
    suite
}

/// 1,001 tests, log-normal, at most 3 s each; one of 6 s defined last.
pub(crate) fn log_normal(seed: u64) -> Vec<f64> {
    let mut chance = Chance(seed);
    let mut seconds: Vec<f64> = (0..1000).map(|_| (-3.6 + 1.2 * chance.normal()).exp().min(3.0)).collect();
    seconds.push(6.0);
    seconds
}

/// A suite of any kind and what it really takes.
pub(crate) fn any_suite() -> impl Strategy<Value = (Suite, Truth)> {
    let fixtures = vec((prop::option::of(0.0..0.05), prop::bool::weighted(0.2), 0.0..0.05), 4);
    let resources = vec(1_u32..3, 3);
    (vec(any_test(), 0..60), fixtures, resources).prop_map(|(tests, fixtures, resources)| {
        let truth = Truth {
            tests: tests.iter().map(|(_, seconds)| *seconds).collect(),
            fixtures: fixtures.iter().map(|(.., seconds)| *seconds).collect(),
        };
        let mut tests: Vec<_> = tests.into_iter().map(|(test, _)| test).collect();
        tests.sort_by_key(|test| test.module);
        let fixtures = fixtures.into_iter().map(|(cost, session, _)| Fixture { cost, session }).collect();
        (Suite { tests, fixtures, resources }, truth)
    })
}

fn any_test() -> impl Strategy<Value = (Test, f64)> {
    let seconds = prop_oneof![4 => 0.0..0.002, 3 => 0.0..0.05, 1 => 0.0..2.0];
    let knowledge = prop_oneof![Just(None), (0.0..0.1).prop_map(Some), Just(Some(f64::NAN))];
    let group = prop_oneof![3 => Just(None), 1 => (0_u32..4).prop_map(|group| Some(GroupId(group)))];
    let resources = prop_oneof![3 => Just(Vec::new()), 1 => vec((0_u32..3).prop_map(ResourceId), 1..3)];
    let fixtures = prop_oneof![Just(Vec::new()), vec((0_u32..4).prop_map(FixtureId), 1..4)];
    let turn = prop_oneof![3 => Just(0_u8), 1 => 0_u8..3];
    let serial = prop::bool::weighted(0.05);
    (0_u32..4, seconds, knowledge, group, resources, fixtures, (serial, turn)).prop_map(
        |(module, seconds, estimate, group, resources, fixtures, (serial, turn))| {
            (Test { estimate, turn, fixtures, group, serial, resources, ..test(module) }, seconds)
        },
    )
}

pub(crate) fn any_config() -> impl Strategy<Value = Config> {
    let order = prop_oneof![Just(Order::LongestFirst), Just(Order::Given)];
    let max_failures = prop_oneof![2 => Just(None), 1 => (1_u32..4).prop_map(Some)];
    let run = prop_oneof![3 => Just(None), 1 => (0_u64..4000).prop_map(|ms| Some(Duration::from_millis(ms)))];
    let turnover = (any_recycling(), any_retries(), any_scaling());
    let parts = (1_u16..6, order, max_failures, 0_u32..6, run, any::<bool>(), turnover);
    parts.prop_map(|(workers, order, max_failures, max_restarts, run, asks, (recycling, retries, scaling))| {
        let limits = Limits { run, ..strict_limits() };
        Config { workers, max_failures, limits, max_restarts, order, asks, recycling, retries, scaling }
    })
}

pub(crate) fn any_recycling() -> impl Strategy<Value = Recycling> {
    let tests = prop_oneof![1 => Just(None), 1 => (1_u32..9).prop_map(Some)];
    let memory = prop_oneof![1 => Just(None), 1 => (0..2 * LARGE).prop_map(Some)];
    (tests, memory).prop_map(|(tests, memory)| Recycling { tests, memory })
}

fn any_retries() -> impl Strategy<Value = Retries> {
    (0_u32..5, 0_u64..200, any::<u64>()).prop_map(|(most, delay, seed)| Retries {
        most,
        delay: Duration::from_millis(delay),
        seed,
    })
}

pub(crate) fn any_scaling() -> impl Strategy<Value = Option<Scaling>> {
    let bounds = (0_u16..7, 0_u16..7, 1_u16..5);
    prop::option::of(bounds.prop_map(|(first, least, processors)| Scaling { first, least, processors }))
}

/// What a worker that has grown owns, in bytes.
pub(crate) const LARGE: u64 = 1 << 30;

/// Measurements of a machine of 16 `LARGE`, one each 250 ms.
fn any_loads() -> impl Strategy<Value = Vec<Load>> {
    let load = (0.0..1.0, 0.0..1.0, 0.0..0.15, 0..16 * LARGE);
    let load = load.prop_map(|(idle, cpu_pressure, memory_pressure, free)| Load {
        idle,
        cpu_pressure,
        memory_pressure,
        free,
        total: 16 * LARGE,
    });
    vec(load, 0..20)
}

/// Limits that end whatever hangs.
pub(crate) fn strict_limits() -> Limits {
    Limits {
        test: Some(Duration::from_secs(10)),
        worker: Duration::from_secs(20),
        run: None,
        slow: Duration::from_secs(3),
        stacks: Duration::from_millis(250),
        grace: Duration::from_secs(1),
    }
}

/// Nothing goes wrong, but messages take their time.
pub(crate) fn fair_weather() -> impl Strategy<Value = Weather> {
    (any::<u64>(), 0_u64..3000, any_loads(), 0_u64..4).prop_map(|(seed, delay, loads, grows)| Weather {
        seed,
        loads,
        grows,
        delay: Duration::from_micros(delay),
        start_time: Duration::from_millis(3),
        ..Weather::default()
    })
}

/// Everything goes wrong.
pub(crate) fn foul_weather() -> impl Strategy<Value = Weather> {
    let rarely = || prop_oneof![2 => Just(0_u64), 1 => 2_u64..40];
    let moments = |most| vec((0_u64..3000).prop_map(Duration::from_millis), 0..most);
    let chances = (rarely(), rarely(), rarely(), rarely(), rarely(), rarely(), rarely(), rarely(), rarely());
    (fair_weather(), chances, moments(3), moments(4)).prop_map(|(fair, chances, interrupts, kills)| {
        let (crash_in_test, crash_between, start_fails, fails, hangs, stubborn, stop_asked, lacks, debugs) = chances;
        Weather {
            crash_in_test,
            crash_between,
            start_fails,
            fails,
            hangs,
            stubborn,
            lacks,
            debugs,
            stop_asked: stop_asked * 4,
            interrupts: if fair.seed % 3 == 0 { interrupts } else { Vec::new() },
            kills,
            ..fair
        }
    })
}
