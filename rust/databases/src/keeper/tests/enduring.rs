//! Servers that are away for a while.

use super::*;
use crate::error::DatabaseError;

/// As if the server had been restarted: nobody is connected any more.
fn restart(house: &House) {
    house.fake.change(|inside| inside.leases.clear());
}

#[test]
fn a_lost_lease_is_taken_again_and_the_clones_in_use_stay() {
    let house = House::new();
    let (mut controller, template) = house.with_template();
    controller.settle(&template, 1);
    let mut worker = house.enter("worker");
    let name = worker.ok(wish("clone", 20.0))["name"].clone();
    restart(&house);
    house.fake.until(|inside| !inside.leases.is_empty());
    controller.until(|status| status["notes"].to_string().contains("was lost; it was opened again"));
    assert_eq!(worker.ok(json!({"op": "verify", "name": name}))["alive"], true);
    worker.ok(wish("clone", 20.0));
    assert!(!house.fake.inside().dropped.iter().any(|dropped| json!(dropped.as_str()) == name));
}

#[test]
fn a_clone_that_the_server_lost_is_not_handed_out() {
    let house = House::new();
    let (mut controller, template) = house.with_template();
    controller.settle(&template, 2);
    controller.until(|status| status["clones"]["ready"] == 3);
    let is_clone = |name: &str| matches!(crate::names::kind_of(name), Some(crate::names::Kind::Clone(_)));
    let lost: Vec<_> = house.fake.change(|inside| {
        inside.leases.clear();
        let clones = inside.databases.keys().filter(|name| is_clone(name.as_str())).cloned();
        let lost: Vec<_> = clones.take(2).collect();
        inside.databases.retain(|name, _| !lost.contains(name));
        lost
    });
    controller.until(|status| status["notes"].to_string().contains("2 clones that were made ahead were gone"));
    controller.until(|status| status["clones"]["ready"] == 3);
    for _ in 0..3 {
        let name = house.enter("worker").ok(wish("clone", 20.0))["name"].clone();
        assert!(!lost.iter().any(|lost| json!(lost.as_str()) == name));
    }
}

#[test]
fn who_asks_while_the_server_is_away_waits_for_it() {
    let house = House::new();
    let (mut controller, template) = house.with_template();
    house.fake.change(|inside| inside.is_away = true);
    restart(&house);
    thread::sleep(Duration::from_millis(1100));
    controller.settle(&template, 0);
    let mut worker = house.enter("worker");
    worker.say(wish("clone", 20.0).to_string().as_bytes());
    house.fake.change(|inside| inside.is_away = false);
    assert_eq!(worker.hear()["ok"]["template"], template);
}

#[test]
fn a_clone_that_was_lost_while_in_use_is_replaced_at_its_restore() {
    let house = House::new();
    let (mut controller, template) = house.with_template();
    controller.settle(&template, 0);
    let mut worker = house.enter("worker");
    let name = worker.ok(wish("clone", 20.0))["name"].clone();
    house.fake.change(|inside| {
        inside.restores_in_place = true;
        inside.databases.remove(&name.as_str().unwrap().parse().unwrap());
    });
    let another = worker.ok(json!({"op": "restore", "name": name}));
    assert_eq!(another["in_place"], false);
    assert_ne!(another["name"], name);
}

#[test]
fn what_does_not_pass_by_itself_is_not_tried_again() {
    let house = House::new();
    let (mut controller, template) = house.with_template();
    house.fake.change(|inside| inside.failures.push_back(DatabaseError::DiskFull("tablespace".into())));
    controller.settle(&template, 0);
    assert_eq!(house.enter("worker").refused(wish("clone", 20.0))["kind"], "disk_full");
}

#[test]
fn what_fails_again_and_again_is_given_up_and_counted() {
    let house = House::hopeless();
    let (mut controller, template) = house.with_template();
    let busy = || DatabaseError::Busy("the template".into(), "somebody is connected".into());
    house.fake.change(|inside| inside.failures.extend([busy(), busy(), busy()]));
    controller.settle(&template, 0);
    let refused = house.enter("worker").refused(wish("clone", 20.0));
    assert_eq!(refused["kind"], "retries");
    assert!(refused["message"].as_str().unwrap().ends_with("somebody is connected (tried 3 times)"), "{refused}");
    controller.until(|status| status["retries"] == json!({"busy": 2}));
    house.enter("worker").ok(wish("clone", 20.0));
}
