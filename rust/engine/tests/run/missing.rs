//! Tests that not every worker has, played by hand.

use engine::{Command, Event, GroupId, Slot, Test, TestId, Verdict};

use crate::hand::{G0, G1, Hand, run, settle};
use crate::suites::{config, test};

const LONG: f64 = 1.0;

fn tests(count: usize) -> Vec<Test> {
    vec![Test { estimate: Some(LONG), ..test(0) }; count]
}

fn ready(hand: &mut Hand, slot: u16, lacking: &[u32]) -> Vec<Command> {
    let slot = Slot(slot);
    hand.hear(Event::Lacking { slot, tests: lacking.iter().copied().map(TestId).collect() });
    hand.hear(Event::WorkerReady { slot })
}

#[test]
fn a_worker_is_not_given_what_it_lacks() {
    let mut hand = Hand::new(tests(2), config(2));
    hand.start();
    assert_eq!(ready(&mut hand, 0, &[0]), [run(0, &[1])]);
    assert_eq!(ready(&mut hand, 1, &[1]), [run(1, &[0])]);
}

#[test]
fn what_nobody_has_is_an_error_when_all_have_spoken() {
    let mut hand = Hand::new(tests(3), config(2));
    hand.start();
    assert_eq!(ready(&mut hand, 0, &[0]), [run(0, &[1])]);
    assert_eq!(ready(&mut hand, 1, &[0]), [run(1, &[2]), settle(0, None, Verdict::Error)]);
}

#[test]
fn a_test_waits_for_the_worker_that_has_it() {
    let mut hand = Hand::new(tests(2), config(2));
    hand.start();
    assert_eq!(ready(&mut hand, 0, &[]), [run(0, &[0])]);
    assert_eq!(ready(&mut hand, 1, &[1]), []);
    hand.begins(0, 0);
    assert_eq!(hand.asks(0, 1), [run(0, &[1])]);
}

#[test]
fn a_group_goes_to_who_has_all_of_it() {
    let grouped = tests(2).into_iter().map(|test| Test { group: Some(GroupId(0)), ..test });
    let mut hand = Hand::new(grouped.chain(tests(1)).collect(), config(2));
    hand.start();
    assert_eq!(ready(&mut hand, 0, &[1]), [run(0, &[2])]);
    assert_eq!(ready(&mut hand, 1, &[]), [run(1, &[0])]);
}

#[test]
fn what_nobody_has_of_a_group_does_not_hold_up_the_rest() {
    let grouped = tests(2).into_iter().map(|test| Test { group: Some(GroupId(0)), ..test });
    let mut hand = Hand::new(grouped.collect(), config(1));
    hand.start();
    assert_eq!(ready(&mut hand, 0, &[0]), [settle(0, None, Verdict::Error), run(0, &[1])]);
}

#[test]
fn a_fresh_worker_is_started_for_what_a_dead_one_had() {
    let mut hand = Hand::new(tests(2), config(2));
    hand.start();
    assert_eq!(ready(&mut hand, 0, &[]), [run(0, &[0])]);
    assert_eq!(ready(&mut hand, 1, &[0]), [run(1, &[1])]);
    assert_eq!(hand.dies(0)[0], Command::WorkerLost { slot: G0, finishing: false, hung: false });
    assert_eq!(hand.wait(0.1), [Command::StartWorker { slot: G0 }]);
    hand.begins(1, 1);
    hand.ends(1, 1, Verdict::Passed);
    assert_eq!(ready(&mut hand, 0, &[0]), [settle(0, None, Verdict::Error), Command::Finish { slot: G0 }]);
}

#[test]
fn a_worker_that_is_there_already_is_used() {
    let mut hand = Hand::new(tests(1), config(2));
    assert_eq!(hand.start(), [Command::StartWorker { slot: G0 }]);
    assert_eq!(hand.hear(Event::AlreadyStarted { slot: G1 }), []);
    assert_eq!(hand.hear(Event::WorkerReady { slot: G1 }), [run(1, &[0])]);
    hand.begins(1, 0);
    assert_eq!(hand.hear(Event::WorkerReady { slot: G0 }), [Command::Finish { slot: G0 }]);
}
