//! Limits and interrupts: single facts, played by hand.

use std::time::Duration;

use engine::{
    Command, Config, Ending, Event, Limits, Notice, Order, PassedLimit, Shared, Test, TestId, TestLimit, Verdict,
};

use crate::hand::{G0, Hand, settle};
use crate::suites::{config, limits, test};

fn one_test(limits: Limits) -> Hand {
    let mut hand = Hand::started(vec![test(0)], Config { limits, ..config(1) });
    hand.begins(0, 0);
    hand
}

fn test_limit(seconds: u64) -> Limits {
    Limits { test: Some(Duration::from_secs(seconds)), ..limits() }
}

fn without_notices(commands: Vec<Command>) -> Vec<Command> {
    commands.into_iter().filter(|command| !matches!(command, Command::Tell(_))).collect()
}

const DUMP: Command = Command::DumpStacks { slot: G0 };
const TERMINATE: Command = Command::Terminate { slot: G0 };
const KILL: Command = Command::Kill { slot: G0 };
const FINISH: Command = Command::Finish { slot: G0 };
const INTERRUPT: Command = Command::Interrupt { slot: G0 };

#[test]
fn overdue_test_is_ended_step_by_step() {
    let mut hand = one_test(test_limit(10));
    let elapsed = Duration::from_secs(8);
    let near = Notice::TestNearLimit { slot: G0, test: TestId(0), elapsed, limit: Duration::from_secs(10) };
    assert_eq!(hand.wait(9.9), [Command::Tell(near)]);
    assert_eq!(hand.wait(0.2), [DUMP]);
    assert_eq!(hand.wait(0.2), [TERMINATE]);
    assert_eq!(hand.wait(4.9), []);
    assert_eq!(hand.wait(0.1), [KILL]);
    assert_eq!(hand.dies(0), [settle(0, 0, Verdict::Timeout), Command::End(Ending::Completed)]);
}

#[test]
fn written_stacks_save_waiting() {
    let limits = Limits { stacks: Duration::from_secs(3), ..test_limit(10) };
    let mut hand = one_test(limits);
    assert_eq!(without_notices(hand.wait(11.0)), [DUMP]);
    assert_eq!(hand.hear(Event::StacksWritten { slot: G0 }), [TERMINATE]);
    assert_eq!(hand.wait(4.9), []);
    assert_eq!(hand.wait(0.2), [KILL]);
}

#[test]
fn own_limit_of_a_test_wins() {
    let own = Test { limit: Some(TestLimit::own(Duration::from_secs(2))), ..test(0) };
    let mut hand = Hand::started(vec![own], Config { limits: test_limit(10), ..config(1) });
    hand.begins(0, 0);
    assert_eq!(without_notices(hand.wait(2.1)), [DUMP]);
}

#[test]
fn result_after_the_limit_is_a_timeout() {
    let mut hand = one_test(test_limit(1));
    assert_eq!(without_notices(hand.wait(1.1)), [DUMP]);
    assert_eq!(hand.ends(0, 0, Verdict::Passed), []);
    assert_eq!(hand.asks(0, 1), []);
    assert_eq!(hand.wait(0.3), [TERMINATE]);
    assert_eq!(hand.dies(0)[0], settle(0, 0, Verdict::Timeout));
}

#[test]
fn slow_test_is_named_less_and_less_often() {
    let mut hand = one_test(limits());
    let named = |commands: Vec<Command>| -> Vec<u64> {
        let elapsed = |command| match command {
            Command::Tell(Notice::Slow { elapsed, .. }) => elapsed.as_secs(),
            other => panic!("{other:?}"),
        };
        commands.into_iter().map(elapsed).collect()
    };
    assert_eq!(named(hand.wait(125.0)), [30, 60, 120]);
    hand.stand_still(500.0);
    assert_eq!(named(hand.wait(400.0)), [625, 960]);
}

#[test]
fn standstill_moves_all_deadlines() {
    let mut hand = one_test(test_limit(10));
    hand.stand_still(3600.0);
    assert_eq!(hand.hear(Event::Gap { by: Duration::from_secs(3600) }), []);
    assert_eq!(hand.wait(7.9), []);
    assert_eq!(without_notices(hand.wait(2.2)), [DUMP]);
}

#[test]
fn worker_that_does_not_start_is_replaced() {
    let mut hand = Hand::new(vec![test(0)], config(1));
    hand.start();
    assert_eq!(without_notices(hand.wait(306.0)), [DUMP, TERMINATE, KILL]);
    let dead = without_notices(hand.dies(0));
    assert_eq!(dead, [Command::WorkerLost { slot: G0, finishing: false, hung: true }]);
    assert_eq!(hand.wait(0.2), [Command::StartWorker { slot: G0 }]);
}

#[test]
fn shared_set_up_has_the_workers_limit() {
    let mut hand = one_test(test_limit(10));
    hand.shares = |now| Shared { spent: now, within: Some(now) };
    let (elapsed, limit) = (Duration::from_secs(240), Duration::from_secs(300));
    let near = Notice::WorkerNearLimit { slot: G0, test: Some(TestId(0)), elapsed, limit };
    assert!(hand.wait(240.0).contains(&Command::Tell(near)));
    assert_eq!(without_notices(hand.wait(59.9)), []);
    assert_eq!(without_notices(hand.wait(0.2)), [DUMP]);
    assert_eq!(hand.run.passed_limit(G0), Some(PassedLimit::Worker));
    // The signal for the stacks may have cut short what it waited for.
    assert_eq!(hand.ends(0, 0, Verdict::Passed), []);
    assert_eq!(hand.wait(0.2), [TERMINATE]);
    assert_eq!(hand.dies(0), [settle(0, 0, Verdict::Timeout), Command::End(Ending::Completed)]);
}

#[test]
fn shared_time_is_not_the_tests() {
    let mut hand = one_test(test_limit(10));
    hand.shares = |now| Shared { spent: now.min(Duration::from_secs(25)), within: None };
    assert_eq!(without_notices(hand.wait(34.9)), []);
    assert_eq!(without_notices(hand.wait(0.2)), [DUMP]);
    assert_eq!(hand.run.passed_limit(G0), Some(PassedLimit::Test));
}

#[test]
fn standstill_within_what_tests_share_gives_the_test_no_more_time() {
    let mut hand = one_test(test_limit(10));
    hand.shares = |now| Shared {
        spent: now.min(Duration::from_secs(3603)),
        within: (now < Duration::from_secs(3603)).then_some(now),
    };
    assert_eq!(hand.wait(1.0), []);
    hand.stand_still(3600.0);
    assert_eq!(hand.hear(Event::Gap { by: Duration::from_secs(3600) }), []);
    assert_eq!(without_notices(hand.wait(11.9)), []);
    assert_eq!(without_notices(hand.wait(0.2)), [DUMP]);
    assert_eq!(hand.run.passed_limit(G0), Some(PassedLimit::Test));
}

#[test]
fn worker_that_has_gone_on_to_another_test_is_left_alone() {
    let mut hand = one_test(test_limit(10));
    hand.stand_still(12.0);
    let asks = hand.run.handle(Event::Tick, Duration::from_secs(12));
    assert_eq!(asks, [Command::Look { slot: G0 }]);
    assert_eq!(hand.hear(Event::Looked { slot: G0, test: TestId(7), shared: Shared::default() }), []);
}

#[test]
fn last_test_itself_has_no_limit_of_the_worker() {
    let mut hand = one_test(limits());
    assert_eq!(hand.asks(0, 1), [FINISH]);
    assert_eq!(without_notices(hand.wait(1000.0)), []);
}

#[test]
fn worker_that_does_not_leave_is_ended() {
    let mut hand = one_test(limits());
    hand.asks(0, 1);
    hand.ends(0, 0, Verdict::Passed);
    let near = |command: &Command| matches!(command, Command::Tell(Notice::WorkerNearLimit { .. }));
    assert_eq!(hand.wait(299.0).iter().filter(|command| near(command)).count(), 1);
    assert_eq!(hand.wait(7.0), [DUMP, TERMINATE, KILL]);
    let lost = Command::WorkerLost { slot: G0, finishing: true, hung: true };
    assert_eq!(hand.dies(0), [lost, Command::End(Ending::Completed)]);
}

#[test]
fn resting_worker_has_no_clock() {
    let mut tests = vec![test(0), test(0), test(0)];
    tests[2].serial = true;
    let mut hand = Hand::started(tests, config(2));
    hand.begins(0, 0);
    hand.begins(1, 1);
    assert_eq!(hand.asks(0, 1), [Command::Idle { slot: G0 }]);
    hand.ends(0, 0, Verdict::Passed);
    assert_eq!(without_notices(hand.wait(3600.0)), []);
}

#[test]
fn run_limit_ends_tests_and_leaves_others_unrun() {
    let limits = Limits { run: Some(Duration::from_secs(10)), ..limits() };
    let mut hand = Hand::started(vec![test(0); 2], Config { limits, order: Order::Given, ..config(1) });
    hand.begins(0, 0);
    let near = Notice::RunNearLimit { elapsed: Duration::from_secs(8), limit: Duration::from_secs(10) };
    assert_eq!(hand.wait(9.0), [Command::Tell(near)]);
    assert_eq!(hand.wait(2.0), [settle(1, None, Verdict::NotRun), DUMP, TERMINATE]);
    assert_eq!(hand.dies(0), [settle(0, 0, Verdict::Timeout), Command::End(Ending::RunTimeout)]);
}

#[test]
fn first_interrupt_gives_grace_twice() {
    let mut hand = one_test(limits());
    assert_eq!(hand.hear(Event::Interrupted), []);
    assert_eq!(hand.wait(4.9), []);
    assert_eq!(hand.wait(0.1), [INTERRUPT]);
    assert_eq!(hand.wait(5.0), [KILL]);
    assert_eq!(hand.dies(0), [settle(0, 0, Verdict::NotRun), Command::End(Ending::Interrupted)]);
}

#[test]
fn test_that_ends_in_its_grace_counts() {
    let mut hand = one_test(limits());
    hand.hear(Event::Interrupted);
    assert_eq!(hand.asks(0, 1), [FINISH]);
    assert_eq!(hand.ends(0, 0, Verdict::Passed), [settle(0, 0, Verdict::Passed)]);
    assert_eq!(hand.hear(Event::WorkerFinished { slot: G0 }), []);
    assert_eq!(hand.leaves(0), [Command::End(Ending::Interrupted)]);
}

#[test]
fn second_interrupt_kills_at_once() {
    let mut hand = one_test(limits());
    hand.hear(Event::Interrupted);
    assert_eq!(hand.hear(Event::Interrupted), [KILL]);
}

#[test]
fn interrupt_before_the_start_ends_the_run() {
    let mut hand = Hand::new(vec![test(0)], config(1));
    let end = [settle(0, None, Verdict::NotRun), Command::End(Ending::Interrupted)];
    assert_eq!(hand.hear(Event::Interrupted), end);
    assert_eq!(hand.start(), []);
}
