//! Events that make no sense.

use std::time::Duration;

use engine::{Command, Death, Event, FixtureId, FixtureSetUp, Load, Run, Slot, StopKind, TestId, Timing, Verdict};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::suites::{any_config, any_suite};

fn any_event() -> impl Strategy<Value = Event> {
    let slot = || prop_oneof![9 => 0_u16..6, 1 => any::<u16>()].prop_map(Slot);
    let test = || prop_oneof![9 => 0_u32..60, 1 => any::<u32>()].prop_map(TestId);
    let number = || prop_oneof![0_u32..9, any::<u32>()];
    let verdict = prop::sample::select(vec![Verdict::Passed, Verdict::Failed, Verdict::NotRun, Verdict::Timeout]);
    let seconds = || prop_oneof![0.0..3.0, any::<f64>()];
    let set_ups = vec((number(), seconds()), 0..3);
    let ended = (slot(), test(), verdict, number(), seconds(), set_ups);
    let load = (any::<[f64; 3]>(), any::<[u64; 2]>());
    let kind = prop::sample::select(vec![StopKind::ShouldStop, StopKind::KeyboardInterrupt]);
    prop_oneof![
        6 => slot().prop_map(|slot| Event::WorkerReady { slot }),
        6 => (slot(), test()).prop_map(|(slot, test)| Event::TestStarted { slot, test }),
        6 => ended.prop_map(|(slot, test, verdict, failures, seconds, set_ups)| Event::TestEnded {
            slot, test, verdict, failures,
            timing: Timing { call: seconds, ..Timing::default() },
            set_ups: set_ups.into_iter().map(|(id, seconds)| FixtureSetUp { fixture: FixtureId(id), seconds }).collect(),
        }),
        6 => (slot(), number()).prop_map(|(slot, seen)| Event::NextWanted { slot, seen }),
        3 => (slot(), number()).prop_map(|(slot, left)| Event::TakenBack { slot, left }),
        2 => (slot(), number()).prop_map(|(slot, failures)| Event::ErrorBetweenTests { slot, failures }),
        2 => slot().prop_map(|slot| Event::WorkerFinished { slot }),
        3 => slot().prop_map(|slot| Event::WorkerDied { slot, death: Death::Unknown }),
        2 => slot().prop_map(|slot| Event::StartFailed { slot }),
        1 => (slot(), kind).prop_map(|(slot, kind)| Event::StopAsked { slot, kind }),
        2 => (test(), any::<bool>()).prop_map(|(test, again)| Event::Judged { test, again }),
        2 => slot().prop_map(|slot| Event::StacksWritten { slot }),
        3 => slot().prop_map(|slot| Event::DebuggerWanted { slot }),
        3 => slot().prop_map(|slot| Event::DebuggerDone { slot }),
        2 => (slot(), any::<u64>()).prop_map(|(slot, bytes)| Event::MemoryMeasured { slot, bytes }),
        2 => load.prop_map(|([idle, cpu_pressure, memory_pressure], [free, total])| {
            Event::LoadMeasured(Load { idle, cpu_pressure, memory_pressure, free, total })
        }),
        1 => Just(Event::StopOrdered),
        1 => Just(Event::Interrupted),
        4 => Just(Event::Tick),
        1 => any::<u64>().prop_map(|ms| Event::Gap { by: Duration::from_millis(ms) }),
    ]
}

/// The events that would make sense now, so that nonsense is tried in every state.
fn sensible(run: &Run, commands: &[Command], picked: usize) -> Option<Event> {
    let asked = commands.get(picked % commands.len().max(1))?;
    match asked {
        Command::StartWorker { slot } => Some(Event::WorkerReady { slot: *slot }),
        Command::Run { slot, tests } => Some(Event::TestStarted { slot: *slot, test: tests[0] }),
        Command::TakeBack { slot } => Some(Event::TakenBack { slot: *slot, left: 1 }),
        Command::Ask { test, .. } => Some(Event::Judged { test: *test, again: picked.is_multiple_of(2) }),
        Command::Finish { slot } => Some(Event::WorkerFinished { slot: *slot }),
        Command::LendTerminal { slot } => Some(Event::DebuggerDone { slot: *slot }),
        _ => run.running().next().map(|running| Event::NextWanted { slot: running.slot, seen: u32::MAX }),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nonsense_never_panics_and_two_interrupts_end_it(
        (suite, _) in any_suite(), config in any_config(), events in vec((any_event(), any::<bool>(), 0_u64..5000), 0..120),
    ) {
        let tests = suite.tests.len();
        let mut run = Run::new(suite, config);
        let mut now = Duration::ZERO;
        let mut commands = run.start(now);
        for (index, (event, sense, wait)) in events.into_iter().enumerate() {
            now += Duration::from_millis(wait);
            let event = if sense { sensible(&run, &commands, index).unwrap_or(event) } else { event };
            commands.extend(run.handle(event, now));
            let _ = run.next_deadline();
        }
        for _ in 0..2 {
            commands.extend(run.handle(Event::Interrupted, now));
        }
        for slot in (0..6).map(Slot) {
            commands.extend(run.handle(Event::WorkerDied { slot, death: Death::Signaled(9) }, now));
        }
        prop_assert!(run.is_over());
        let settled = commands.iter().filter(|command| matches!(command, Command::Settle { .. })).count();
        prop_assert_eq!(settled, tests);
        prop_assert_eq!(commands.iter().filter(|command| matches!(command, Command::End(_))).count(), 1);
    }
}
