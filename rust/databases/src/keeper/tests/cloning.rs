//! Clones made ahead, waited for, given back.

use std::collections::BTreeSet;

use super::*;
use crate::error::{DatabaseError, SqlError};
use crate::names;

fn count(house: &House, kind: fn(&names::Kind) -> bool) -> usize {
    house
        .fake
        .inside()
        .databases
        .keys()
        .filter(|name| names::kind_of(name.as_str()).is_some_and(|it| kind(&it)))
        .count()
}

fn clones(house: &House) -> usize {
    count(house, |kind| matches!(kind, names::Kind::Clone(_)))
}

#[test]
fn one_clone_for_each_slot_and_a_spare_are_made_ahead() {
    let house = House::new();
    let (mut controller, template) = house.with_template();
    controller.settle(&template, 3);
    controller.until(|status| status["clones"]["ready"] == 4);
    let mut workers: Vec<_> = (0..3).map(|_| house.enter("worker")).collect();
    let names: BTreeSet<_> =
        workers.iter_mut().map(|worker| worker.ok(wish("clone", 20.0))["name"].to_string()).collect();
    assert_eq!((names.len(), clones(&house)), (3, 4));
    // The spare goes to a replacement, and another takes its place.
    house.enter("worker").ok(wish("clone", 20.0));
    house.fake.until(|inside| inside.databases.len() == 6);
}

#[test]
fn nothing_is_made_ahead_that_nobody_asked_for() {
    let house = House::new();
    let (mut controller, template) = house.with_template();
    controller.settle(&template, 0);
    let mut worker = house.enter("worker");
    assert_eq!(clones(&house), 0);
    assert_eq!(worker.ok(wish("fresh", 20.0))["template"], template);
}

#[test]
fn who_asks_before_the_template_is_there_waits_for_it() {
    let house = House::new();
    let (mut controller, template) = house.with_template();
    controller.ok(json!({"op": "announce", "alias": "default", "fingerprint": "f", "clones": 1}));
    let mut worker = house.enter("worker");
    worker.say(wish("clone", 20.0).to_string().as_bytes());
    controller.settle(&template, 1);
    assert_eq!(worker.hear()["ok"]["template"], template);
}

#[test]
fn a_template_that_failed_is_told_to_all_who_wait() {
    let house = House::new();
    let (mut controller, _) = house.with_template();
    controller.ok(json!({"op": "announce", "alias": "default", "fingerprint": "f", "clones": 1}));
    let mut workers = [house.enter("worker"), house.enter("worker")];
    for worker in &mut workers {
        worker.say(wish("clone", 20.0).to_string().as_bytes());
    }
    let fail = json!({"op": "fail", "alias": "default", "fingerprint": "f", "message": "no table", "hint": null});
    controller.ok(fail);
    for worker in &mut workers {
        assert_eq!(worker.hear()["error"]["message"], "no table");
    }
    assert_eq!(workers[0].refused(wish("clone", 20.0))["message"], "no table");
}

#[test]
fn a_failure_keeps_its_kind_so_that_others_can_take_over() {
    let house = House::new();
    let (mut controller, _) = house.with_template();
    for (kind, heard) in [(json!("unsupported"), "unsupported"), (json!("nonsense"), "failed"), (json!(null), "failed")]
    {
        controller.ok(json!({"op": "announce", "alias": "default", "fingerprint": "f", "clones": 1}));
        let fail = json!({"op": "fail", "alias": "default", "fingerprint": "f", "kind": kind, "message": "no way"});
        controller.ok(fail);
        assert_eq!(house.enter("worker").refused(wish("clone", 20.0))["kind"], heard);
    }
}

#[test]
fn the_status_tells_how_a_template_came_to_be_and_each_remark_once() {
    let house = House::new();
    let (mut controller, template) = house.with_template();
    controller.settle(&template, 0);
    let told = controller.ok(json!({"op": "status"}))["templates"][0].clone();
    assert_eq!((&told["hit"], &told["vendor"], &told["template"]), (&json!(true), &json!("postgresql"), &template));
    for _ in 0..2 {
        controller.ok(json!({
            "op": "settle", "alias": "default", "fingerprint": "g", "server": 0, "template": template,
            "why": "changed: a.py", "seconds": 1.5, "remarks": ["a trigger was left out"],
        }));
    }
    assert_eq!(controller.ok(json!({"op": "status"}))["notes"], json!(["a trigger was left out"]));
    let again = json!({
        "op": "settle", "alias": "default", "fingerprint": "h", "server": 0, "template": template,
        "remarks": ["a trigger was left out", "another"],
    });
    controller.ok(again);
    let report = controller.finish();
    assert_eq!(report["notes"], json!(["another"]));
    let built = report["templates"].as_array().unwrap().iter().find(|one| one["fingerprint"] == "g").unwrap();
    assert_eq!(built["alias"], "default");
    assert_eq!(
        (&built["hit"], &built["why"], &built["seconds"]),
        (&json!(false), &json!("changed: a.py"), &json!(1.5))
    );
}

#[test]
fn an_unknown_template_is_ordered_once_from_the_builder() {
    let house = House::new();
    let (mut controller, template) = house.with_template();
    let mut builder = house.enter("builder");
    let mut workers = [house.enter("worker"), house.enter("worker")];
    for worker in &mut workers {
        worker.say(wish("clone", 20.0).to_string().as_bytes());
    }
    let order = builder.ok(json!({"op": "wait_prepare"}))["prepare"].clone();
    assert_eq!(order, json!({"alias": "default", "fingerprint": "f", "settings": {"a": 1}}));
    controller.settle(&template, 0);
    for worker in &mut workers {
        assert_eq!(worker.hear()["ok"]["template"], template);
    }
    builder.say(br#"{"op":"wait_prepare"}"#);
    controller.finish();
    assert_eq!(builder.hear()["ok"], json!({"over": true}));
}

#[test]
fn waiting_ends_with_an_error_that_says_for_what() {
    let house = House::new();
    let mut worker = house.enter("worker");
    let error = worker.refused(wish("clone", 0.05));
    assert_eq!(error["kind"], "timeout");
    assert!(error["message"].as_str().unwrap().contains("\"default\""), "{error}");
    let (mut controller, template) = house.with_template();
    house.fake.change(|inside| inside.gate = true);
    controller.settle(&template, 1);
    assert_eq!(worker.refused(wish("clone", 0.05))["kind"], "timeout");
    house.fake.change(|inside| inside.gate = false);
    worker.ok(wish("clone", 20.0));
}

#[test]
fn a_full_disk_is_told_to_one_and_the_others_go_on() {
    let house = House::new();
    let (mut controller, template) = house.with_template();
    house.fake.change(|inside| {
        inside.gate = true;
        inside.failures.push_back(DatabaseError::DiskFull("tablespace".into()));
    });
    let mut workers = [house.enter("worker"), house.enter("worker")];
    for worker in &mut workers {
        worker.say(wish("clone", 20.0).to_string().as_bytes());
    }
    controller.settle(&template, 0);
    house.fake.until(|inside| inside.at_gate == 1 || inside.at_gate == 2);
    house.fake.change(|inside| inside.gate = false);
    let answers: Vec<_> = workers.iter_mut().map(Client::hear).collect();
    let errors: Vec<_> = answers.iter().filter_map(|answer| answer.get("error")).collect();
    assert_eq!(errors.len(), 1, "{answers:?}");
    assert_eq!(errors[0]["kind"], "disk_full");
    assert!(errors[0]["hint"].as_str().unwrap().contains("room"));
    workers[0].ok(wish("clone", 20.0));
}

#[test]
fn a_lost_connection_is_tried_again() {
    let house = House::new();
    let (mut controller, template) = house.with_template();
    let lost = SqlError { code: "57P01".into(), message: "shutting down".into(), lost: true };
    house.fake.change(|inside| inside.failures.push_back(lost.into()));
    controller.settle(&template, 0);
    house.enter("worker").ok(wish("clone", 20.0));
}

#[test]
fn a_panic_of_an_engine_is_an_answer() {
    let house = House::new();
    let (mut controller, template) = house.with_template();
    house.fake.change(|inside| inside.panics = true);
    controller.settle(&template, 0);
    let mut worker = house.enter("worker");
    assert!(worker.refused(wish("clone", 20.0))["message"].as_str().unwrap().contains("a bug"));
    house.fake.change(|inside| inside.panics = false);
    worker.ok(wish("clone", 20.0));
}

#[test]
fn a_dead_workers_clone_is_never_handed_out_again() {
    let house = House::new();
    let (mut controller, template) = house.with_template();
    controller.settle(&template, 0);
    let mut dead = house.enter("worker");
    let first = dead.ok(wish("clone", 20.0))["name"].clone();
    drop(dead);
    controller.until(|status| status["clones"]["retired"] == 1);
    let mut next = house.enter("worker");
    for _ in 0..3 {
        assert_ne!(next.ok(wish("clone", 20.0))["name"], first);
    }
    assert!(next.refused(json!({"op": "restore", "name": first}))["message"].as_str().unwrap().contains("no clone"));
}

#[test]
fn a_clone_is_restored_in_place_or_replaced() {
    let house = House::new();
    let (mut controller, template) = house.with_template();
    controller.settle(&template, 1);
    let mut worker = house.enter("worker");
    let name = worker.ok(wish("clone", 20.0))["name"].clone();
    let another = worker.ok(json!({"op": "restore", "name": name}));
    assert_eq!(another["in_place"], false);
    assert_ne!(another["name"], name);
    house.fake.change(|inside| inside.restores_in_place = true);
    let same = worker.ok(json!({"op": "restore", "name": another["name"]}));
    assert_eq!((&same["in_place"], &same["name"]), (&json!(true), &another["name"]));
    worker.ok(json!({"op": "retire", "name": another["name"]}));
    worker.refused(json!({"op": "restore", "name": another["name"]}));
}

#[test]
fn sessions_are_ended_only_in_what_this_run_made() {
    let house = House::new();
    let (mut controller, template) = house.with_template();
    controller.settle(&template, 0);
    let mut worker = house.enter("worker");
    let name = worker.ok(wish("clone", 20.0))["name"].clone();
    assert_eq!(worker.ok(json!({"op": "verify", "name": name})), json!({"alive": true, "sessions": 2}));
    assert_eq!(worker.ok(json!({"op": "end_sessions", "name": name})), json!({"ended": 2}));
    let foreign = names::clone_name("shop", "ffffffffffffffff", 9);
    house.fake.put(&foreign, None);
    worker.refused(json!({"op": "end_sessions", "name": foreign.as_str()}));
    assert_eq!(house.fake.inside().databases[&foreign].sessions, 2);
}

#[test]
fn a_builder_that_dies_leaves_nobody_waiting() {
    let house = House::new();
    let builder = house.enter("builder");
    let mut worker = house.enter("worker");
    worker.say(wish("clone", 20.0).to_string().as_bytes());
    let mut controller = house.enter("controller");
    controller.until(|status| status["templates"][0]["state"] == "preparing");
    drop(builder);
    assert!(worker.hear()["error"]["message"].as_str().unwrap().contains("died"));
}
