//! States of clones that are kept.

use engine::guard::DatabaseName;

use super::*;

fn parsed(name: &Value) -> DatabaseName {
    name.as_str().unwrap().parse().unwrap()
}

/// A worker with a clone.
fn worker_with_clone(house: &House) -> (Client, Client, Value, Value) {
    let (mut controller, template) = house.with_template();
    controller.settle(&template, 0);
    let mut worker = house.enter("worker");
    let name = worker.ok(wish("clone", 20.0))["name"].clone();
    (controller, worker, template, name)
}

fn source(house: &House, name: &Value) -> DatabaseName {
    house.fake.inside().sources[&parsed(name)].clone()
}

#[test]
fn a_restore_goes_back_to_the_state_that_was_kept() {
    let house = House::new();
    let (mut controller, mut worker, template, name) = worker_with_clone(&house);
    assert_eq!(worker.ok(json!({"op": "snapshot", "name": name, "wait": 20})), json!({}));
    assert_eq!(house.fake.inside().databases[&parsed(&name)].sessions, 0, "a copy needs it for itself");
    let second = worker.ok(json!({"op": "restore", "name": name}))["name"].clone();
    let kept = source(&house, &second);
    assert_eq!(source(&house, &json!(kept.as_str())), parsed(&name));
    let third = worker.ok(json!({"op": "restore", "name": second}))["name"].clone();
    assert_eq!(source(&house, &third), kept);
    // Nobody else gets what one worker's fixtures wrote.
    let others = house.enter("worker").ok(wish("clone", 20.0))["name"].clone();
    assert_eq!(json!(source(&house, &others).as_str()), template);
    assert_eq!(controller.ok(json!({"op": "status"}))["templates"].as_array().unwrap().len(), 1);
    controller.finish();
    assert_eq!(house.fake.inside().databases.keys().cloned().collect::<Vec<_>>(), [parsed(&template)]);
}

#[test]
fn the_state_that_was_kept_last_counts() {
    let house = House::new();
    let (_controller, mut worker, _, name) = worker_with_clone(&house);
    worker.ok(json!({"op": "snapshot", "name": name}));
    let second = worker.ok(json!({"op": "restore", "name": name}))["name"].clone();
    worker.ok(json!({"op": "snapshot", "name": second}));
    let third = worker.ok(json!({"op": "restore", "name": second}))["name"].clone();
    assert_eq!(source(&house, &json!(source(&house, &third).as_str())), parsed(&second));
}

#[test]
fn only_who_has_a_clone_keeps_its_state() {
    let house = House::new();
    let (mut controller, _worker, template, name) = worker_with_clone(&house);
    assert_eq!(controller.refused(json!({"op": "snapshot", "name": name}))["kind"], "invalid");
    assert_eq!(controller.refused(json!({"op": "snapshot", "name": template}))["kind"], "invalid");
}

#[test]
fn nothing_is_left_of_a_state_that_could_not_be_kept() {
    let house = House::new();
    let (mut controller, mut worker, template, name) = worker_with_clone(&house);
    house.fake.until(|inside| inside.databases.len() == 3);
    house.fake.change(|inside| inside.failures.push_back(crate::error::DatabaseError::DiskFull("full".into())));
    assert_eq!(worker.refused(json!({"op": "snapshot", "name": name}))["kind"], "disk_full");
    let second = worker.ok(json!({"op": "restore", "name": name}))["name"].clone();
    assert_eq!(json!(source(&house, &second).as_str()), template);
    controller.finish();
    assert_eq!(house.fake.inside().databases.len(), 1);
}
