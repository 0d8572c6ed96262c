//! Debuggers: single facts, played by hand.

use std::time::Duration;

use engine::{Command, Config, Ending, Event, Limits, Shared, Standing, StopKind, Test, TestId, Verdict};

use crate::hand::{G0, G1, Hand, run, settle};
use crate::suites::{config, limits, test};

const LEND_G0: Command = Command::LendTerminal { slot: G0 };
const RECLAIM_G0: Command = Command::ReclaimTerminal { slot: G0 };
const LEND_G1: Command = Command::LendTerminal { slot: G1 };
const RECLAIM_G1: Command = Command::ReclaimTerminal { slot: G1 };
const KILL_G0: Command = Command::Kill { slot: G0 };
const KILL_G1: Command = Command::Kill { slot: G1 };

/// So long that it is handed out alone.
fn long() -> Test {
    Test { estimate: Some(1.0), ..test(0) }
}

/// Two workers in the middle of a test each; two more tests wait.
fn two_testing(limits: Limits) -> Hand {
    let mut hand = Hand::started(vec![long(); 4], Config { limits, ..config(2) });
    hand.begins(0, 0);
    hand.begins(1, 1);
    hand
}

fn wants(hand: &mut Hand, slot: engine::Slot) -> Vec<Command> {
    hand.hear(Event::DebuggerWanted { slot })
}

fn done(hand: &mut Hand, slot: engine::Slot) -> Vec<Command> {
    hand.hear(Event::DebuggerDone { slot })
}

#[test]
fn second_debugger_waits_for_the_first() {
    let mut hand = two_testing(limits());
    assert_eq!(wants(&mut hand, G0), [LEND_G0]);
    assert_eq!(wants(&mut hand, G1), []);
    assert_eq!((hand.run.standing(G0), hand.run.standing(G1)), (Standing::Debugging, Standing::Debugging));
    assert_eq!(done(&mut hand, G0), [RECLAIM_G0, LEND_G1]);
    assert_eq!(done(&mut hand, G1), [RECLAIM_G1]);
    assert_eq!(hand.run.standing(G1), Standing::Testing(TestId(1)));
}

#[test]
fn others_are_answered_when_the_terminal_is_back() {
    let mut hand = two_testing(limits());
    wants(&mut hand, G0);
    assert_eq!(hand.asks(1, 1), []);
    assert_eq!(done(&mut hand, G0), [RECLAIM_G0, run(1, &[2])]);
}

#[test]
fn debugged_worker_itself_is_answered() {
    let mut hand = two_testing(limits());
    wants(&mut hand, G0);
    assert_eq!(hand.asks(0, 1), [run(0, &[2])]);
}

#[test]
fn what_others_hold_ahead_is_taken_back() {
    let mut hand = Hand::started(vec![Test { estimate: Some(0.001), ..test(0) }; 40], config(2));
    hand.begins(0, 0);
    let taken = wants(&mut hand, G0);
    assert_eq!(taken, [Command::TakeBack { slot: G1 }, LEND_G0]);
}

#[test]
fn all_clocks_stand_still() {
    let run = Some(Duration::from_secs(20));
    let mut hand = two_testing(Limits { test: Some(Duration::from_secs(10)), run, ..limits() });
    hand.wait(7.0);
    wants(&mut hand, G0);
    assert_eq!(hand.wait(3600.0), []);
    assert_eq!(hand.hear(Event::Tick), []);
    done(&mut hand, G0);
    let commands = hand.wait(3.1);
    assert!(commands.contains(&Command::DumpStacks { slot: G0 }), "{commands:?}");
    assert!(hand.wait(9.8).iter().all(|command| !matches!(command, Command::Settle { .. })));
    let ending = hand.wait(0.2);
    assert!(ending.contains(&settle(2, None, Verdict::NotRun)), "the run's limit: {ending:?}");
}

#[test]
fn prompt_within_what_tests_share_gives_the_test_no_more_time() {
    let mut hand = two_testing(Limits { test: Some(Duration::from_secs(10)), ..limits() });
    // It begins at 5 s and ends as soon as the prompt is left: nobody sees it there again.
    hand.shares =
        |now| Shared { spent: now.min(Duration::from_secs(3607)).saturating_sub(Duration::from_secs(5)), within: None };
    hand.wait(7.0);
    wants(&mut hand, G0);
    hand.stand_still(3600.0);
    done(&mut hand, G0);
    let dump = Command::DumpStacks { slot: G0 };
    assert!(!hand.wait(4.9).contains(&dump));
    assert!(hand.wait(0.2).contains(&dump));
}

#[test]
fn dead_debugger_gives_the_terminal_back() {
    let mut hand = two_testing(limits());
    wants(&mut hand, G0);
    wants(&mut hand, G1);
    let commands = hand.dies(0);
    assert_eq!(commands, [settle(0, 0, Verdict::Crashed), RECLAIM_G0, LEND_G1]);
    assert_eq!(done(&mut hand, G1), [RECLAIM_G1, Command::StartWorker { slot: G0 }]);
}

#[test]
fn quitting_one_debugger_refuses_the_others() {
    let mut hand = two_testing(limits());
    wants(&mut hand, G0);
    wants(&mut hand, G1);
    let commands = hand.hear(Event::StopAsked { slot: G0, kind: StopKind::Exit });
    assert_eq!(commands[0], Command::RefuseTerminal { slot: G1 });
    assert_eq!(done(&mut hand, G0), [RECLAIM_G0]);
    assert_eq!(wants(&mut hand, G1), [Command::RefuseTerminal { slot: G1 }]);
}

#[test]
fn last_failure_that_is_allowed_lets_others_be_debugged() {
    let mut hand = Hand::started(vec![long(); 4], Config { max_failures: Some(1), ..config(2) });
    hand.begins(0, 0);
    hand.begins(1, 1);
    wants(&mut hand, G0);
    wants(&mut hand, G1);
    assert_eq!(done(&mut hand, G0), [RECLAIM_G0, LEND_G1]);
    hand.ends(0, 0, Verdict::Failed);
    assert_eq!(done(&mut hand, G1), [RECLAIM_G1]);
}

#[test]
fn interrupt_does_not_wait_for_the_prompt() {
    let mut hand = two_testing(limits());
    wants(&mut hand, G0);
    hand.stand_still(60.0);
    hand.hear(Event::Interrupted);
    let graces = hand.wait(10.0);
    assert_eq!(graces.iter().filter(|command| [&KILL_G0, &KILL_G1].contains(command)).count(), 2);
    hand.dies(0);
    assert_eq!(hand.dies(1).last(), Some(&Command::End(Ending::Interrupted)));
}

#[test]
fn worker_that_asked_is_let_go_by_an_interrupt() {
    let mut hand = two_testing(limits());
    wants(&mut hand, G0);
    hand.asks(1, 1);
    assert!(hand.hear(Event::Interrupted).contains(&Command::Finish { slot: G1 }));
}

#[test]
fn dying_worker_gets_no_terminal() {
    let mut hand = two_testing(Limits { test: Some(Duration::from_secs(10)), ..limits() });
    hand.wait(10.0);
    assert_eq!(wants(&mut hand, G0), []);
}
