//! Workers that make room, are tried again, or are more or fewer: single facts, played by hand.

use std::time::Duration;

use engine::{
    Command, Config, Death, Ending, Event, Fixture, FixtureId, GroupId, Load, Notice, RecycleCause, Recycling, Retries,
    RetryCause, ScaleCause, Scaling, Slot, Test, Verdict,
};

use crate::hand::{G0, G1, Hand, run, settle};
use crate::suites::{config, test};

const LONG: f64 = 1.0;
const FINISH: Command = Command::Finish { slot: G0 };
const START: Command = Command::StartWorker { slot: G0 };

fn tests(count: usize) -> Vec<Test> {
    vec![Test { estimate: Some(LONG), ..test(0) }; count]
}

fn after_tests(most: u32) -> Config {
    Config { recycling: Recycling { tests: Some(most), memory: None }, ..config(1) }
}

fn recycled(cause: RecycleCause, tests: u32, memory: u64) -> Command {
    Command::Tell(Notice::Recycled { slot: G0, cause, tests, memory })
}

/// The worker on slot 0 begins and ends a test; what it is told when it asks what follows.
fn runs(hand: &mut Hand, test: u32, seen: u32) -> Vec<Command> {
    hand.begins(0, test);
    let told = hand.asks(0, seen);
    hand.ends(0, test, Verdict::Passed);
    told
}

/// A worker that was told to finish does so.
fn leaves(hand: &mut Hand) -> Vec<Command> {
    hand.hear(Event::WorkerFinished { slot: G0 });
    hand.leaves(0)
}

#[test]
fn worker_makes_room_after_so_many_tests() {
    let mut hand = Hand::started(tests(5), after_tests(2));
    assert_eq!(runs(&mut hand, 0, 1), [run(0, &[1])]);
    assert_eq!(runs(&mut hand, 1, 2), [recycled(RecycleCause::Tests, 2, 0), FINISH]);
    assert_eq!(leaves(&mut hand), [START]);
    assert_eq!(hand.hear(Event::WorkerReady { slot: G0 }), [run(0, &[2])]);
    assert_eq!(hand.run.counts().restarts, 0);
}

#[test]
fn last_test_needs_no_fresh_worker() {
    let mut hand = Hand::started(tests(2), after_tests(2));
    runs(&mut hand, 0, 1);
    assert_eq!(runs(&mut hand, 1, 2), [FINISH]);
    assert_eq!(leaves(&mut hand), [Command::End(Ending::Completed)]);
}

#[test]
fn named_group_is_finished_first() {
    let mut tests = tests(5);
    tests[..3].iter_mut().for_each(|test| test.group = Some(GroupId(0)));
    let mut hand = Hand::started(tests, after_tests(1));
    assert_eq!(runs(&mut hand, 0, 1), [run(0, &[1])]);
    assert_eq!(runs(&mut hand, 1, 2), [run(0, &[2])]);
    assert_eq!(runs(&mut hand, 2, 3), [recycled(RecycleCause::Tests, 3, 0), FINISH]);
}

#[test]
fn costly_set_up_is_used_to_its_end() {
    let mut tests = tests(4);
    tests[..2].iter_mut().for_each(|test| test.fixtures = vec![FixtureId(0)]);
    let fixtures = vec![Fixture { cost: Some(5.0), session: false }];
    let mut hand = Hand::of(tests, fixtures, after_tests(1));
    assert_eq!(runs(&mut hand, 0, 1), [run(0, &[1])]);
    assert_eq!(runs(&mut hand, 1, 2)[1], FINISH);
}

#[test]
fn grown_worker_makes_room() {
    let recycling = Recycling { tests: None, memory: Some(1000) };
    let mut hand = Hand::started(tests(4), Config { recycling, ..config(1) });
    runs(&mut hand, 0, 1);
    hand.hear(Event::MemoryMeasured { slot: G0, bytes: 1000 });
    assert_eq!(runs(&mut hand, 1, 2), [run(0, &[2])]);
    hand.hear(Event::MemoryMeasured { slot: G0, bytes: 1001 });
    assert_eq!(runs(&mut hand, 2, 3), [recycled(RecycleCause::Memory, 3, 1001), FINISH]);
}

#[test]
fn worker_that_is_born_large_runs_a_test() {
    let recycling = Recycling { tests: None, memory: Some(1) };
    let mut hand = Hand::new(tests(2), Config { recycling, ..config(1) });
    hand.start();
    assert_eq!(hand.hear(Event::MemoryMeasured { slot: G0, bytes: 9 }), []);
    assert_eq!(hand.hear(Event::WorkerReady { slot: G0 }), [run(0, &[0])]);
    hand.hear(Event::MemoryMeasured { slot: G0, bytes: 9 });
    assert_eq!(runs(&mut hand, 0, 1), [recycled(RecycleCause::Memory, 1, 9), FINISH]);
}

#[test]
fn crash_while_making_room_costs_budget() {
    let mut hand = Hand::started(tests(3), after_tests(1));
    runs(&mut hand, 0, 1);
    assert_eq!(hand.dies(0), [Command::WorkerLost { slot: G0, finishing: true, hung: false }, START]);
    assert_eq!(hand.run.counts().restarts, 1);
}

#[test]
fn worker_killed_between_tests_is_had_again_after_a_pause() {
    let mut hand = Hand::started(tests(3), Config { max_restarts: 0, ..config(1) });
    runs(&mut hand, 0, 1);
    let told = hand.hear(Event::WorkerDied { slot: G0, death: Death::Signaled(9) });
    assert_eq!(told[0], Command::WorkerLost { slot: G0, finishing: false, hung: false });
    let again = Notice::Retry { slot: G0, cause: RetryCause::Killed, attempt: 1, delay: retried_after(&told) };
    assert_eq!(told[1..], [Command::Tell(again)]);
    assert_eq!(hand.wait(0.1), [START]);
}

#[test]
fn worker_that_dies_before_its_first_test_did_not_start() {
    let mut hand = Hand::started(tests(3), Config { max_restarts: 0, ..config(1) });
    let told = hand.dies(0);
    assert_eq!(told[0], Command::WorkerLost { slot: G0, finishing: false, hung: false });
    assert!(matches!(told[1], Command::Tell(Notice::Retry { cause: RetryCause::Start, attempt: 1, .. })), "{told:?}");
    assert_eq!(hand.wait(0.1), [START]);
}

#[test]
fn worker_killed_in_a_test_costs_budget() {
    let mut hand = Hand::started(tests(3), Config { max_restarts: 0, ..config(1) });
    hand.begins(0, 0);
    let told = hand.hear(Event::WorkerDied { slot: G0, death: Death::Signaled(9) });
    assert_eq!(told.last(), Some(&Command::End(Ending::RestartsSpent)), "{told:?}");
}

#[test]
fn run_ends_when_no_worker_can_be_had() {
    let retries = Retries { most: 1, ..config(1).retries };
    let mut hand = Hand::new(tests(1), Config { retries, max_restarts: 9, ..config(1) });
    assert_eq!(hand.start(), [START]);
    hand.hear(Event::StartFailed { slot: G0 });
    assert_eq!(hand.wait(0.1), [START]);
    let given_up = Command::Tell(Notice::GivenUp { slot: G0, cause: RetryCause::Start, attempts: 2 });
    let end = [given_up, settle(0, None, Verdict::NotRun), Command::End(Ending::RetriesSpent)];
    assert_eq!(hand.hear(Event::StartFailed { slot: G0 }), end);
}

#[test]
fn slot_that_pauses_keeps_its_place_in_the_crew() {
    let mut hand = Hand::new(tests(9), scaling(1));
    assert_eq!(hand.start(), [START]);
    hand.hear(Event::StartFailed { slot: G0 });
    assert_eq!(hand.wait(0.1), [START]);
}

#[test]
fn others_go_on_without_a_slot_that_was_given_up() {
    let retries = Retries { most: 0, ..config(1).retries };
    let mut hand = Hand::new(tests(2), Config { retries, ..config(2) });
    hand.start();
    hand.hear(Event::StartFailed { slot: G1 });
    assert_eq!(hand.hear(Event::WorkerReady { slot: G0 }), [run(0, &[0])]);
    assert_eq!(runs(&mut hand, 0, 1), [run(0, &[1])]);
    assert_eq!(runs(&mut hand, 1, 2), [FINISH]);
    assert_eq!(leaves(&mut hand), [Command::End(Ending::Completed)]);
}

#[test]
fn ended_test_forgives_earlier_failures() {
    let retries = Retries { most: 1, ..config(1).retries };
    let mut hand = Hand::new(tests(5), Config { retries, ..config(1) });
    hand.start();
    hand.hear(Event::StartFailed { slot: G0 });
    hand.wait(0.1);
    hand.hear(Event::WorkerReady { slot: G0 });
    runs(&mut hand, 0, 1);
    let told = hand.hear(Event::WorkerDied { slot: G0, death: Death::Signaled(15) });
    assert!(retried_after(&told) > Duration::ZERO);
}

fn retried_after(told: &[Command]) -> Duration {
    let delay = |command: &Command| match command {
        Command::Tell(Notice::Retry { delay, .. }) => Some(*delay),
        _ => None,
    };
    told.iter().find_map(delay).unwrap_or_else(|| panic!("nothing is tried again: {told:?}"))
}

fn scaling(first: u16) -> Config {
    Config { scaling: Some(Scaling { first, least: 1, processors: 1 }), ..config(4) }
}

fn scaled(count: usize, first: u16) -> Hand {
    Hand::started(tests(count), scaling(first))
}

fn idle() -> Event {
    Event::LoadMeasured(Load { idle: 0.9, cpu_pressure: 0.0, memory_pressure: 0.0, free: 8 << 30, total: 16 << 30 })
}

fn short_of_memory() -> Event {
    Event::LoadMeasured(Load { idle: 0.0, cpu_pressure: 0.0, memory_pressure: 1.0, free: 0, total: 16 << 30 })
}

#[test]
fn idle_processors_get_more_workers() {
    let mut hand = scaled(9, 1);
    hand.begins(0, 0);
    assert_eq!(hand.hear(idle()), []);
    let scaled = Command::Tell(Notice::Scaled { workers: 2, cause: ScaleCause::Idle });
    assert_eq!(hand.hear(idle()), [scaled, Command::StartWorker { slot: G1 }]);
}

#[test]
fn idle_processors_without_waiting_tests_get_none() {
    let mut hand = scaled(1, 1);
    hand.begins(0, 0);
    let told: Vec<_> = (0..9).flat_map(|_| hand.hear(idle())).collect();
    assert_eq!(told, []);
}

#[test]
fn short_memory_lets_the_next_worker_leave() {
    let mut hand = scaled(9, 2);
    hand.begins(0, 0);
    hand.begins(1, 1);
    let scaled = Command::Tell(Notice::Scaled { workers: 1, cause: ScaleCause::Memory });
    assert_eq!(hand.hear(short_of_memory()), [scaled]);
    assert_eq!(hand.asks(1, 1), [Command::Finish { slot: G1 }]);
    assert_eq!(hand.asks(0, 1), [run(0, &[2])]);
    hand.ends(1, 1, Verdict::Passed);
    hand.hear(Event::WorkerFinished { slot: G1 });
    assert_eq!(hand.leaves(1), []);
}

#[test]
fn no_more_start_at_first_than_asked() {
    let started = Hand::new(tests(9), scaling(2)).start();
    assert_eq!(started, [START, Command::StartWorker { slot: Slot(1) }]);
}
