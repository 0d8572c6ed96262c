//! Dispatch, deaths and stops: single facts, played by hand.

use engine::{
    Command, Config, Ending, Event, GroupId, Notice, Order, ResourceId, RetryCause, Run, Slot, StopKind, Suite, Test,
    TestId, Verdict,
};

use crate::hand::{G0, G1, Hand, run, settle};
use crate::suites::{config, test};

const LONG: f64 = 1.0;
const SHORT: f64 = 0.005;

fn lasting(seconds: &[f64]) -> Vec<Test> {
    seconds.iter().map(|seconds| Test { estimate: Some(*seconds), ..test(0) }).collect()
}

fn given(workers: u16) -> Config {
    Config { order: Order::Given, ..config(workers) }
}

#[test]
fn empty_suite_ends_at_once() {
    let mut run = Run::new(Suite::default(), config(3));
    assert_eq!(run.start(std::time::Duration::ZERO), [Command::End(Ending::Completed)]);
    assert!(run.is_over());
}

#[test]
fn no_more_workers_start_than_tests() {
    let started = Hand::new(lasting(&[LONG; 2]), config(5)).start();
    assert_eq!(started, [Command::StartWorker { slot: G0 }, Command::StartWorker { slot: G1 }]);
}

#[test]
fn group_starts_only_one_worker() {
    let mut tests = lasting(&[LONG; 4]);
    for test in &mut tests {
        test.group = Some(GroupId(0));
    }
    assert_eq!(Hand::new(tests, config(5)).start().len(), 1);
}

#[test]
fn longest_test_goes_first() {
    let mut hand = Hand::new(lasting(&[LONG, 3.0 * LONG, 2.0 * LONG]), config(1));
    hand.start();
    assert_eq!(hand.hear(Event::WorkerReady { slot: G0 }), [run(0, &[1])]);
}

#[test]
fn given_order_is_kept() {
    let mut hand = Hand::new(lasting(&[LONG, 3.0 * LONG, 2.0 * LONG]), given(1));
    hand.start();
    assert_eq!(hand.hear(Event::WorkerReady { slot: G0 }), [run(0, &[0])]);
    hand.begins(0, 0);
    assert_eq!(hand.asks(0, 1), [run(0, &[1])]);
}

#[test]
fn stale_question_is_void() {
    let mut hand = Hand::started(lasting(&[LONG; 2]), config(1));
    hand.begins(0, 0);
    assert_eq!(hand.asks(0, 0), []);
    assert_eq!(hand.asks(0, 1), [run(0, &[1])]);
}

#[test]
fn worker_leaves_when_nothing_is_left() {
    let mut hand = Hand::started(lasting(&[LONG]), config(1));
    hand.begins(0, 0);
    assert_eq!(hand.asks(0, 1), [Command::Finish { slot: G0 }]);
    assert_eq!(hand.ends(0, 0, Verdict::Passed), [settle(0, 0, Verdict::Passed)]);
    assert_eq!(hand.hear(Event::WorkerFinished { slot: G0 }), []);
    assert_eq!(hand.leaves(0), [Command::End(Ending::Completed)]);
}

#[test]
fn death_after_the_goodbye_is_told() {
    let mut hand = Hand::started(lasting(&[LONG]), config(1));
    hand.begins(0, 0);
    hand.asks(0, 1);
    hand.ends(0, 0, Verdict::Passed);
    hand.hear(Event::WorkerFinished { slot: G0 });
    assert_eq!(
        hand.dies(0),
        [Command::WorkerLost { slot: G0, finishing: true, hung: false }, Command::End(Ending::Completed),]
    );
}

#[test]
fn worker_is_topped_up_before_it_runs_dry() {
    let mut hand = Hand::started(lasting(&[SHORT; 100]), config(1));
    let topped_up = (0..6).any(|test| {
        hand.begins(0, test);
        hand.ends(0, test, Verdict::Passed).iter().any(|command| matches!(command, Command::Run { .. }))
    });
    assert!(topped_up);
}

#[test]
fn tests_leave_the_queue_of_a_long_one() {
    let mut hand = Hand::started(lasting(&[SHORT; 40]), config(2));
    hand.begins(0, 0);
    assert_eq!(hand.wait(0.034), []);
    assert_eq!(hand.wait(0.002), [Command::TakeBack { slot: G0 }]);
    hand.gives_back(0, 3);
    assert_eq!(hand.wait(9.0), []);
}

#[test]
fn serial_test_waits_for_all_others() {
    let mut tests = lasting(&[LONG; 3]);
    tests[2].serial = true;
    let mut hand = Hand::started(tests, config(2));
    hand.begins(0, 0);
    hand.begins(1, 1);
    assert_eq!(hand.asks(0, 1), [Command::Idle { slot: G0 }]);
    assert_eq!(hand.ends(0, 0, Verdict::Passed), [settle(0, 0, Verdict::Passed)]);
    assert_eq!(hand.asks(1, 1), [run(1, &[2])]);
    hand.ends(1, 1, Verdict::Passed);
    hand.begins(1, 2);
    hand.asks(1, 2);
    let end = hand.ends(1, 2, Verdict::Passed);
    assert!(end.contains(&Command::Finish { slot: G0 }), "{end:?}");
}

#[test]
fn freed_resource_wakes_who_waits_for_it() {
    let mut tests = lasting(&[3.0, 2.0, 1.0]);
    for (test, needs) in tests.iter_mut().zip([&[0][..], &[0, 1], &[1]]) {
        test.resources = needs.iter().copied().map(ResourceId).collect();
    }
    let mut hand = Hand::started(tests, config(2));
    hand.begins(0, 0);
    hand.begins(1, 2);
    assert_eq!(hand.asks(1, 1), [Command::Idle { slot: G1 }]);
    hand.ends(1, 2, Verdict::Passed);
    assert_eq!(hand.asks(0, 1), [Command::Idle { slot: G0 }]);
    assert_eq!(hand.ends(0, 0, Verdict::Passed)[..2], [settle(0, 0, Verdict::Passed), run(0, &[1])]);
}

#[test]
fn first_failure_stops_everything() {
    let mut hand = Hand::started(lasting(&[SHORT; 40]), Config { max_failures: Some(1), ..config(2) });
    hand.begins(0, 0);
    let after = hand.ends(0, 0, Verdict::Failed);
    assert!(after.contains(&Command::TakeBack { slot: G0 }) && after.contains(&Command::TakeBack { slot: G1 }));
    assert!(!after.iter().any(|command| matches!(command, Command::Run { .. })));
    assert_eq!(hand.run.stopping(), Some(Ending::MaxFailures));
}

#[test]
fn failed_subtests_count_one_by_one() {
    let mut hand = Hand::started(lasting(&[LONG; 2]), Config { max_failures: Some(3), ..config(1) });
    hand.begins(0, 0);
    hand.ends_with(0, 0, Verdict::Failed, 3);
    assert_eq!(hand.run.stopping(), Some(Ending::MaxFailures));
}

#[test]
fn crash_settles_its_test_and_frees_the_rest() {
    let mut tests = lasting(&[SHORT; 3]);
    for test in &mut tests {
        test.group = Some(GroupId(0));
    }
    let mut hand = Hand::started(tests, config(1));
    hand.begins(0, 0);
    assert_eq!(hand.dies(0), [settle(0, 0, Verdict::Crashed), Command::StartWorker { slot: G0 }]);
    let again = hand.hear(Event::WorkerReady { slot: G0 });
    assert!(matches!(&again[..], [Command::Run { tests, .. }] if tests[0] == TestId(1)), "{again:?}");
}

#[test]
fn death_between_tests_is_an_error_of_its_own() {
    let mut hand = Hand::started(lasting(&[LONG; 3]), config(1));
    hand.begins(0, 0);
    hand.ends(0, 0, Verdict::Passed);
    let lost = Command::WorkerLost { slot: G0, finishing: false, hung: false };
    assert_eq!(hand.dies(0), [lost, Command::StartWorker { slot: G0 }]);
}

#[test]
fn death_in_session_teardown_is_told() {
    let mut hand = Hand::started(lasting(&[LONG]), config(1));
    hand.begins(0, 0);
    hand.asks(0, 1);
    hand.ends(0, 0, Verdict::Passed);
    let lost = Command::WorkerLost { slot: G0, finishing: true, hung: false };
    assert_eq!(hand.dies(0), [lost, Command::End(Ending::Completed)]);
}

#[test]
fn spent_budget_ends_the_run() {
    let mut hand = Hand::started(lasting(&[LONG; 3]), Config { max_restarts: 1, ..given(1) });
    hand.begins(0, 0);
    hand.dies(0);
    hand.hear(Event::WorkerReady { slot: G0 });
    hand.begins(0, 1);
    let end = [settle(1, 0, Verdict::Crashed), settle(2, None, Verdict::NotRun), Command::End(Ending::RestartsSpent)];
    assert_eq!(hand.dies(0), end);
}

#[test]
fn failed_start_is_tried_again_after_a_pause() {
    let mut hand = Hand::new(lasting(&[LONG]), config(1));
    hand.start();
    let told = hand.hear(Event::StartFailed { slot: G0 });
    assert!(
        matches!(told[..], [Command::Tell(Notice::Retry { cause: RetryCause::Start, attempt: 1, .. })]),
        "{told:?}"
    );
    assert_eq!(hand.wait(0.2), [Command::StartWorker { slot: G0 }]);
    assert_eq!(hand.run.counts().restarts, 0);
}

#[test]
fn worker_that_exits_the_session_stops_it() {
    let mut hand = Hand::started(lasting(&[LONG; 3]), given(1));
    hand.begins(0, 0);
    let stop = hand.hear(Event::StopAsked { slot: G0, kind: StopKind::Exit });
    assert_eq!(stop, [settle(1, None, Verdict::NotRun), settle(2, None, Verdict::NotRun)]);
    let end = [settle(0, 0, Verdict::NotRun), Command::End(Ending::Stopped)];
    assert_eq!(hand.dies(0), end);
}

#[test]
fn session_stopped_from_outside_lets_tests_finish() {
    let mut hand = Hand::started(lasting(&[LONG; 3]), given(1));
    hand.begins(0, 0);
    let stop = hand.hear(Event::StopOrdered);
    assert_eq!(stop, [settle(1, None, Verdict::NotRun), settle(2, None, Verdict::NotRun)]);
    assert_eq!(hand.ends(0, 0, Verdict::Passed)[0], settle(0, 0, Verdict::Passed));
}

#[test]
fn verdict_that_no_worker_can_know_is_an_error() {
    let mut hand = Hand::started(lasting(&[LONG]), config(1));
    hand.begins(0, 0);
    assert_eq!(hand.ends(0, 0, Verdict::Timeout)[0], settle(0, 0, Verdict::Error));
}

#[test]
fn strangers_are_ignored() {
    let mut hand = Hand::started(lasting(&[LONG; 2]), config(1));
    assert_eq!(hand.begins(7, 0), []);
    assert_eq!(hand.begins(0, 99), []);
    assert_eq!(hand.ends(0, 0, Verdict::Passed), []);
    assert_eq!(hand.hear(Event::WorkerReady { slot: Slot(0) }), []);
    assert_eq!(hand.gives_back(3, 1), []);
}
