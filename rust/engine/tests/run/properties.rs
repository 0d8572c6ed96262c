//! What holds in every run, whatever happens. The monitor checks while the run is played: one verdict for each test,
//! groups whole and in order, serial tests alone, resources within their slots, nothing after the last failure that
//! is allowed, replacements within the budget, no command to a dead worker, one debugger at a time, and nothing else
//! begins or is ended meanwhile.

use std::time::Duration;

use engine::{Config, Ending, Recycling, Verdict};
use proptest::prelude::*;

use crate::suites::{
    any_config, any_recycling, any_scaling, any_suite, config, fair_weather, foul_weather, strict_limits,
};
use crate::world::{Weather, World};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn every_test_has_one_verdict_in_fair_weather(
        (suite, truth) in any_suite(), workers in 1_u16..6, weather in fair_weather(),
    ) {
        let tests = suite.tests.len();
        let monitor = World::new(suite, config(workers), truth, weather).play();
        prop_assert_eq!(monitor.ending, Some(Ending::Completed));
        prop_assert_eq!(monitor.count(Verdict::Passed), tests);
        prop_assert_eq!(monitor.begun.len(), tests);
        prop_assert_eq!(monitor.replacements, 0);
    }

    #[test]
    fn debuggers_cost_no_test_its_verdict(
        (suite, truth) in any_suite(), workers in 1_u16..6, weather in fair_weather(), debugs in 1_u64..6,
    ) {
        let tests = suite.tests.len();
        let config = Config { limits: strict_limits(), ..config(workers) };
        let weather = Weather { debugs, ..weather };
        let monitor = World::new(suite, config, truth, weather).play();
        prop_assert_eq!(monitor.count(Verdict::Passed), tests);
        prop_assert!(debugs > 1 || monitor.lent == tests);
    }

    #[test]
    fn every_test_has_one_verdict_in_foul_weather(
        (suite, truth) in any_suite(), config in any_config(), weather in foul_weather(),
    ) {
        let tests = suite.tests.len();
        let monitor = World::new(suite, config, truth, weather).play();
        prop_assert_eq!(monitor.verdicts.len(), tests);
        if monitor.ending == Some(Ending::Completed) {
            prop_assert_eq!(monitor.count(Verdict::NotRun), 0);
        }
    }

    /// The monitor sees to it that no named group is split and that each worker that makes room has run a test.
    #[test]
    fn recycling_runs_every_test_once(
        (suite, truth) in any_suite(), workers in 1_u16..6, recycling in any_recycling(), weather in fair_weather(),
    ) {
        let tests = suite.tests.len();
        let monitor = World::new(suite, Config { recycling, ..config(workers) }, truth, weather).play();
        prop_assert_eq!(monitor.ending, Some(Ending::Completed));
        prop_assert_eq!((monitor.count(Verdict::Passed), monitor.begun.len()), (tests, tests));
        prop_assert_eq!(monitor.replacements, 0);
    }

    #[test]
    fn free_tests_are_counted_exactly(
        (mut suite, truth) in any_suite(), workers in 1_u16..6, most in 1_u32..9, weather in fair_weather(),
    ) {
        for test in &mut suite.tests {
            (test.group, test.fixtures) = (None, Vec::new());
        }
        let recycling = Recycling { tests: Some(most), memory: None };
        let monitor = World::new(suite, Config { recycling, ..config(workers) }, truth, weather).play();
        prop_assert!(monitor.begun_on.values().all(|begun| *begun <= most), "{:?}", monitor.begun_on);
    }

    /// The monitor sees to it that no more workers stand than there are to be.
    #[test]
    fn scaling_runs_every_test_once(
        (suite, truth) in any_suite(), workers in 1_u16..6, scaling in any_scaling(), weather in fair_weather(),
    ) {
        let tests = suite.tests.len();
        let monitor = World::new(suite, Config { scaling, ..config(workers) }, truth, weather).play();
        prop_assert_eq!(monitor.ending, Some(Ending::Completed));
        prop_assert_eq!((monitor.count(Verdict::Passed), monitor.begun.len()), (tests, tests));
    }

    #[test]
    fn tests_that_workers_lack_have_one_verdict(
        (suite, truth) in any_suite(), workers in 1_u16..6, weather in fair_weather(), lacks in 1_u64..30,
    ) {
        let tests = suite.tests.len();
        let weather = crate::world::Weather { lacks, ..weather };
        let monitor = World::new(suite, config(workers), truth, weather).play();
        prop_assert_eq!(monitor.ending, Some(Ending::Completed));
        prop_assert_eq!(monitor.count(Verdict::Passed) + monitor.count(Verdict::Error), tests);
        prop_assert_eq!(monitor.begun.len(), monitor.count(Verdict::Passed));
    }

    #[test]
    fn second_interrupt_ends_any_run(
        (suite, truth) in any_suite(), config in any_config(), weather in foul_weather(), at in 0_u64..3000,
    ) {
        let at = Duration::from_millis(at);
        let weather = Weather { interrupts: vec![at, at], ..weather };
        let grace = config.limits.grace;
        let monitor = World::new(suite, config, truth, weather).play();
        if monitor.ending == Some(Ending::Interrupted) {
            prop_assert!(monitor.ended_at <= at + grace);
        }
    }
}
