use proptest::prelude::*;

use super::*;
use crate::names;

const OWN: &str = "0000000000000000";
const NOW: u64 = 1_800_000_000;

#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact that a rule asks for")]
struct Made {
    kind: Option<Use>,
    run: u8,
    is_template_name: bool,
    id_matches: bool,
    owned: bool,
    project: u8,
    days: i64,
    journalled: bool,
}

fn run_of(number: u8) -> String {
    format!("{number:016x}")
}

/// Runs below 3 are alive; 0 is ours.
fn alive(run: &str) -> bool {
    (0..3).any(|number| run == run_of(number))
}

fn found(index: usize, made: &Made) -> Found {
    let run = run_of(made.run);
    let project = format!("shop{}", made.project);
    let random = index as u64;
    let name = if made.is_template_name {
        names::template_name(&project, random)
    } else {
        names::clone_name(&project, &run, random)
    };
    let moment = NOW.saturating_add_signed(-made.days * 86_400);
    let id = if made.id_matches { "7" } else { "8" };
    let marker = made.kind.map(|kind| Marker::new(kind, &project, &run, "k", id, moment));
    Found { name, marker, id: "7".into(), owned: made.owned, size: 0, sessions: 0, broken: false }
}

fn made() -> impl Strategy<Value = Made> {
    let kind = prop_oneof![Just(None), Just(Some(Use::Build)), Just(Some(Use::Template)), Just(Some(Use::Clone)),];
    (
        kind,
        0_u8..6,
        any::<bool>(),
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.8),
        0_u8..2,
        -20_i64..60,
        any::<bool>(),
    )
        .prop_map(|(kind, run, is_template_name, id_matches, owned, project, days, journalled)| Made {
            kind,
            run,
            is_template_name,
            id_matches,
            owned,
            project,
            days,
            journalled,
        })
}

fn policy() -> Policy {
    Policy { project: "shop0".into(), keep_templates: 2, keep_days: 14 }
}

fn journalled(all: &[Made]) -> BTreeMap<DatabaseName, String> {
    let dead = all.iter().enumerate().filter(|(_, made)| made.journalled && !alive(&run_of(made.run)));
    dead.map(|(index, made)| (found(index, made).name, run_of(made.run))).collect()
}

fn judge_all(all: &[Made]) -> Vec<Judged> {
    let journalled = journalled(all);
    let world = World { now: NOW, own: OWN, is_alive: &alive, has_others: &|| false, journalled: &journalled };
    judge(all.iter().enumerate().map(|(index, made)| found(index, made)).collect(), &world, &policy())
}

/// Written from the rules, not from the code.
fn is_proven(made: &Made) -> bool {
    let names_agree = made.is_template_name != (made.kind == Some(Use::Clone));
    made.owned && made.id_matches && names_agree
}

proptest! {
    #[test]
    fn nothing_unproven_or_needed_ever_goes(all in prop::collection::vec(made(), 0..24)) {
        let judged = judge_all(&all);
        prop_assert_eq!(judged.len(), all.len());
        for one in judged.iter().filter(|one| one.proof.is_some()) {
            let made = &all[(0..all.len()).find(|index| found(*index, &all[*index]).name == one.found.name).unwrap()];
            match made.kind {
                None => prop_assert!(made.owned && made.journalled && !alive(&run_of(made.run))),
                Some(Use::Template) => prop_assert!(is_proven(made) && made.project == 0 && made.days >= 14),
                Some(_) => prop_assert!(is_proven(made) && !alive(&run_of(made.run))),
            }
        }
    }

    #[test]
    fn everything_of_dead_runs_with_proof_goes(all in prop::collection::vec(made(), 0..24)) {
        let judged = judge_all(&all);
        for (index, made) in all.iter().enumerate() {
            let name = found(index, made).name;
            let goes = judged.iter().any(|one| one.found.name == name && one.proof.is_some());
            let dead = !alive(&run_of(made.run));
            match made.kind {
                None => prop_assert_eq!(goes, dead && made.journalled && made.owned),
                Some(Use::Template) => {}
                Some(_) => prop_assert_eq!(goes, dead && is_proven(made)),
            }
        }
    }

    #[test]
    fn the_templates_that_were_used_last_stay(days in prop::collection::vec(-5_i64..60, 0..12)) {
        let all: Vec<Made> = days.iter().map(|days| Made {
            kind: Some(Use::Template), run: 5, is_template_name: true, id_matches: true, owned: true, project: 0,
            days: *days, journalled: false,
        }).collect();
        let stay: Vec<i64> = judge_all(&all).into_iter().filter(|one| one.proof.is_none()).map(|one| {
            (NOW.cast_signed() - one.found.marker.unwrap().used.cast_signed()) / 86_400
        }).collect();
        let mut sorted = days.clone();
        sorted.sort_unstable();
        let expected = sorted.iter().enumerate().filter(|(rank, days)| *rank < 2 || **days < 14).count();
        prop_assert_eq!(stay.len(), expected);
    }
}

#[test]
fn a_moment_to_come_counts_as_now() {
    let made = Made {
        kind: Some(Use::Template),
        run: 5,
        is_template_name: true,
        id_matches: true,
        owned: true,
        project: 0,
        days: -400,
        journalled: false,
    };
    let found = found(0, &made);
    assert_eq!(seconds_old(&found, NOW), Some(0));
    let journalled = BTreeMap::new();
    let world = World { now: NOW, own: OWN, is_alive: &alive, has_others: &|| false, journalled: &journalled };
    let policy = Policy { keep_templates: 0, ..policy() };
    assert_eq!(judge(vec![found], &world, &policy)[0].proof, None);
}

#[test]
fn the_broken_go_first_and_templates_last() {
    let template = |broken, days| {
        let made = Made {
            kind: Some(Use::Template),
            run: 5,
            is_template_name: true,
            id_matches: true,
            owned: true,
            project: 0,
            days,
            journalled: false,
        };
        let mut one = found(days.unsigned_abs() as usize, &made);
        one.broken = broken;
        one
    };
    let clone = found(
        9,
        &Made {
            kind: Some(Use::Clone),
            run: 5,
            is_template_name: false,
            id_matches: true,
            owned: true,
            project: 1,
            days: 1,
            journalled: false,
        },
    );
    let journalled = BTreeMap::new();
    let world = World { now: NOW, own: OWN, is_alive: &alive, has_others: &|| false, journalled: &journalled };
    let policy = Policy { keep_templates: 0, ..policy() };
    let (old, broken) = (template(false, 40), template(true, 50));
    let order = judge(vec![old.clone(), clone.clone(), broken.clone()], &world, &policy);
    let names: Vec<_> = order.iter().map(|one| &one.found.name).collect();
    assert_eq!(names, [&broken.name, &clone.name, &old.name]);
}
