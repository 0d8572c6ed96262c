//! Tests that ended with their worker and may run again, played by hand.

use engine::{Command, Config, Ending, Event, Order, TestId, Verdict};

use crate::hand::{G0, Hand, run, settle};
use crate::suites::{config, test};

const ASK: Command = Command::Ask { test: TestId(0), slot: G0, verdict: Verdict::Crashed };

/// Two tests on one worker that dies with the first.
fn dead(max_failures: Option<u32>) -> (Hand, Vec<Command>) {
    let asking = Config { asks: true, order: Order::Given, max_failures, ..config(1) };
    let mut hand = Hand::started(vec![test(0); 2], asking);
    hand.begins(0, 0);
    let said = hand.dies(0);
    (hand, said)
}

fn judged(again: bool) -> Event {
    Event::Judged { test: TestId(0), again }
}

#[test]
fn crashed_test_has_no_verdict_until_it_is_judged() {
    let (mut hand, said) = dead(None);
    assert_eq!(said, [ASK, Command::StartWorker { slot: G0 }]);
    assert_eq!(hand.hear(judged(false)), [settle(0, 0, Verdict::Crashed)]);
    assert_eq!(hand.hear(judged(true)), [], "one verdict is enough");
}

#[test]
fn test_that_is_to_run_again_does() {
    let (mut hand, _) = dead(Some(1));
    assert_eq!(hand.hear(judged(true)), []);
    assert_eq!(hand.hear(Event::WorkerReady { slot: G0 }), [run(0, &[0])]);
    hand.begins(0, 0);
    assert_eq!(hand.ends(0, 0, Verdict::Passed), [settle(0, 0, Verdict::Passed)]);
}

#[test]
fn run_does_not_end_while_one_is_asked_about() {
    let (mut hand, _) = dead(None);
    hand.hear(Event::WorkerReady { slot: G0 });
    hand.begins(0, 1);
    assert!(!hand.ends(0, 1, Verdict::Passed).iter().any(|command| matches!(command, Command::Finish { .. })));
    assert_eq!(hand.asks(0, 1), [Command::Idle { slot: G0 }]);
    assert_eq!(hand.hear(judged(true)), [run(0, &[0])]);
}

#[test]
fn crash_counts_as_failure_once_it_is_judged() {
    let (mut hand, _) = dead(Some(1));
    let said = hand.hear(judged(false));
    assert_eq!(said[..2], [settle(0, 0, Verdict::Crashed), settle(1, None, Verdict::NotRun)]);
}

#[test]
fn stop_does_not_wait_for_the_answer() {
    let (mut hand, _) = dead(None);
    let said = hand.hear(Event::StopOrdered);
    assert_eq!(said[..2], [settle(0, 0, Verdict::Crashed), settle(1, None, Verdict::NotRun)]);
    assert_eq!(hand.hear(judged(true)), []);
    let ended = hand.hear(Event::StartFailed { slot: G0 });
    assert_eq!(ended, [Command::End(Ending::Stopped)]);
}

#[test]
fn nobody_is_asked_unless_somebody_may_answer() {
    let mut hand = Hand::started(vec![test(0); 2], config(1));
    hand.begins(0, 0);
    assert_eq!(hand.dies(0)[0], settle(0, 0, Verdict::Crashed));
}
