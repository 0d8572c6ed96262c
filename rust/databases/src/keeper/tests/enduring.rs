//! Servers that are away for a while.

use super::*;
use crate::error::{DatabaseError, SqlError};
use crate::keeper::enduring::RESTART;

fn busy() -> DatabaseError {
    DatabaseError::Busy("the template".into(), "somebody is connected".into())
}

fn lost() -> DatabaseError {
    DatabaseError::Sql(SqlError { code: String::new(), message: "the connection is gone".into(), lost: true })
}

/// How many clones were written down.
fn journalled(house: &House) -> usize {
    let path = house.folder.path().join(format!("journals/{RUN}.journal"));
    std::fs::read_to_string(path).unwrap().lines().filter(|line| line.contains("_c_")).count()
}

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
    controller.settle(&template, 0);
    house.fake.change(|inside| inside.is_away = true);
    restart(&house);
    let mut worker = house.enter("worker");
    worker.say(wish("clone", 20.0).to_string().as_bytes());
    house.fake.until(|inside| inside.knocks > 0);
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
    let house = House::new();
    let (mut controller, template) = house.with_template();
    house.fake.change(|inside| inside.failures.extend([busy(), busy(), busy()]));
    controller.settle(&template, 0);
    let refused = house.enter("worker").refused(wish("clone", 20.0));
    assert_eq!(refused["kind"], "retries");
    assert!(refused["message"].as_str().unwrap().ends_with("somebody is connected (tried 3 times)"), "{refused}");
    controller.until(|status| status["retries"] == json!({"busy": 2}));
    house.enter("worker").ok(wish("clone", 20.0));
}

#[test]
fn a_server_that_is_away_is_not_asked_without_pause() {
    let retries = Retries { delay: Duration::ZERO, ..RETRIES };
    let house = House::faked(Duration::from_secs(1), retries);
    let (mut controller, template) = house.with_template();
    controller.settle(&template, 0);
    house.fake.change(|inside| inside.is_away = true);
    restart(&house);
    house.enter("worker").refused(wish("clone", 20.0));
    let knocks = house.fake.inside().knocks;
    assert!(knocks < 10, "it was asked {knocks} times");
    let names = journalled(&house);
    assert!(names <= 1, "{names} names were written down for one clone");
}

#[test]
fn what_may_never_have_come_to_be_is_told_in_one_line() {
    let house = House::hopeless();
    let (mut controller, template) = house.with_template();
    controller.settle(&template, 0);
    house.fake.change(|inside| inside.failures.extend([lost(), lost(), lost()]));
    for _ in 0..3 {
        assert_eq!(house.enter("worker").refused(wish("clone", 20.0))["kind"], "lost");
    }
    house.fake.change(|inside| inside.is_away = true);
    let report = controller.finish();
    assert_eq!(report["failed"], json!([]));
    let about = report["notes"].as_array().unwrap().iter().filter(|note| note.to_string().contains("never have come"));
    let about: Vec<_> = about.collect();
    assert_eq!(about.len(), 1, "{report}");
    assert!(about[0].as_str().unwrap().starts_with("3 databases"), "{report}");
    assert_eq!(journalled(&house), 3, "the next run drops what is there");
}

#[test]
fn without_retries_no_server_is_waited_for() {
    let house = House::faked(RESTART, Retries { most: 0, ..RETRIES });
    let (mut controller, template) = house.with_template();
    controller.settle(&template, 0);
    house.fake.change(|inside| inside.failures.push_back(lost()));
    assert_eq!(house.enter("worker").refused(wish("clone", 20.0))["kind"], "lost");
    controller.until(|status| status["retries"] == json!({}));
}

#[test]
fn our_own_old_connection_may_hold_the_lease_for_a_while() {
    let house = House::faked(RESTART, Retries { most: 1, ..RETRIES });
    let (mut controller, template) = house.with_template();
    controller.settle(&template, 0);
    house.fake.change(|inside| {
        inside.failures.push_back(lost());
        inside.lease_failures.extend([busy(), busy(), busy()]);
    });
    restart(&house);
    house.enter("worker").ok(wish("clone", 20.0));
}

#[test]
fn no_attempt_begins_when_who_asked_waits_no_longer() {
    let house = House::faked(RESTART, Retries { most: u32::MAX, ..RETRIES });
    let (mut controller, template) = house.with_template();
    controller.settle(&template, 0);
    let mut worker = house.enter("worker");
    let name = worker.ok(wish("clone", 20.0))["name"].clone();
    controller.until(|status| status["clones"]["ready"] == 1);
    house.fake.change(|inside| inside.failures.extend(vec![busy(); 10_000]));
    for op in ["restore", "snapshot"] {
        let refused = worker.refused(json!({"op": op, "name": name, "wait": 1.0}));
        assert_eq!(refused["kind"], "retries", "{op}: {refused}");
        assert!(refused["hint"].as_str().unwrap().contains("--worker-timeout"), "{op}: {refused}");
    }
}
