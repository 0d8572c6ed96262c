//! What is dropped in the end, and what never is.

use super::*;
use crate::journal::Journal;
use crate::marker::{Marker, Use};
use crate::names;

const DEAD: &str = "dddddddddddddddd";
const ALIVE: &str = "aaaaaaaaaaaaaaaa";

fn mark(kind: Use, run: &str, id: &str) -> Marker {
    Marker::new(kind, "shop", run, "k", id, now() - 100 * 86_400)
}

#[test]
fn the_end_drops_what_this_run_made_and_keeps_the_template() {
    let house = House::new();
    let (mut controller, template) = house.with_template();
    controller.settle(&template, 2);
    let mut worker = house.enter("worker");
    worker.ok(wish("clone", 20.0));
    let half_built = controller.build(&json!(0));
    let begun = controller.ok(json!({"op": "begin", "server": 0, "label": "shop"}));
    let unmarked = begun["name"].as_str().unwrap().parse().unwrap();
    house.fake.put(&unmarked, None);
    house.fake.until(|inside| inside.databases.len() == 6);
    let report = controller.finish();
    assert_eq!(report["dropped"], 5, "{report} {half_built}");
    assert_eq!(report["failed"], json!([]));
    assert_eq!(report["clones"], 3);
    let inside = house.fake.inside();
    assert_eq!(inside.databases.keys().map(|name| json!(name.as_str())).collect::<Vec<_>>(), [template]);
    assert!(inside.leases.is_empty());
    assert_eq!(std::fs::read_dir(house.folder.path().join("journals")).unwrap().count(), 0);
    drop(inside);
    assert_eq!(worker.refused(wish("clone", 20.0))["kind"], "failed");
    controller.refused(json!({"op": "begin", "server": 0, "label": "shop"}));
}

#[test]
fn what_dead_runs_left_is_collected_and_nothing_else() {
    let house = House::new();
    let (clone, build) = (names::clone_name("shop", DEAD, 1), names::template_name("shop", 2));
    let (lively, journalled) = (names::clone_name("shop", ALIVE, 3), names::clone_name("shop", DEAD, 4));
    let (unproven, foreign) = (names::clone_name("shop", DEAD, 5), names::template_name("shop", 6));
    house.fake.put(&clone, Some(mark(Use::Clone, DEAD, "1")));
    house.fake.put(&build, Some(mark(Use::Build, DEAD, "2")));
    house.fake.put(&lively, Some(mark(Use::Clone, ALIVE, "3")));
    house.fake.put(&journalled, None);
    house.fake.put(&unproven, None);
    house.fake.put(&foreign, Some(mark(Use::Build, DEAD, "6")));
    house.fake.change(|inside| {
        inside.leases.insert(ALIVE.to_owned());
        inside.databases.get_mut(&foreign).unwrap().owned = false;
    });
    let journals = house.folder.path().join("journals");
    let journal = Journal::new(&journals, DEAD);
    journal.append("fake", "postgresql", &journalled).unwrap();
    drop(journal);
    let (mut controller, _) = house.with_template();
    let report = controller.finish();
    assert_eq!(report["collected"].as_array().unwrap().len(), 3, "{report}");
    let inside = house.fake.inside();
    for gone in [&clone, &build, &journalled] {
        assert!(inside.dropped.contains(gone), "{gone}");
    }
    assert_eq!(inside.dropped.len(), 3);
    assert!(!journals.join(format!("{DEAD}.journal")).exists());
}

#[test]
fn a_journal_whose_keeper_lives_protects_its_run_and_stays() {
    let house = House::new();
    let clone = names::clone_name("shop", DEAD, 1);
    house.fake.put(&clone, Some(mark(Use::Clone, DEAD, "1")));
    let journals = house.folder.path().join("journals");
    let journal = Journal::new(&journals, DEAD);
    journal.append("fake", "postgresql", &clone).unwrap();
    let (mut controller, _) = house.with_template();
    assert_eq!(controller.finish()["collected"], json!([]));
    assert!(journals.join(format!("{DEAD}.journal")).exists());
}

#[test]
fn a_journal_about_another_server_stays() {
    let house = House::new();
    let journals = house.folder.path().join("journals");
    Journal::new(&journals, DEAD).append("elsewhere", "mysql", &names::clone_name("shop", DEAD, 1)).unwrap();
    let (mut controller, _) = house.with_template();
    controller.finish();
    assert!(journals.join(format!("{DEAD}.journal")).exists());
}

#[test]
fn who_lost_the_lease_for_good_makes_nothing_and_drops_nothing_of_others() {
    let house = House::impatient();
    let clone = names::clone_name("shop", DEAD, 1);
    house.fake.put(&clone, Some(mark(Use::Clone, DEAD, "1")));
    let (mut controller, template) = house.with_template();
    controller.settle(&template, 0);
    let mut worker = house.enter("worker");
    let own = worker.ok(wish("clone", 20.0))["name"].as_str().unwrap().parse().unwrap();
    house.fake.until(|inside| inside.databases.len() == 4);
    house.fake.change(|inside| {
        inside.leases.clear();
        inside.is_away = true;
    });
    controller.until(|status| status["notes"].to_string().contains("could not be opened again"));
    worker.ok(wish("clone", 20.0));
    let error = worker.refused(wish("clone", 20.0));
    assert!(error["message"].as_str().unwrap().contains("was lost"), "{error}");
    house.fake.change(|inside| inside.is_away = false);
    let report = controller.finish();
    assert_eq!(report["collected"], json!([]));
    let inside = house.fake.inside();
    assert!(inside.databases.contains_key(&clone) && inside.dropped.contains(&own));
}

#[test]
fn a_killed_controllers_run_is_cleaned_up() {
    let house = House::new();
    let (mut controller, template) = house.with_template();
    controller.settle(&template, 2);
    house.fake.until(|inside| inside.databases.len() == 4);
    drop(controller);
    let (fake, _folder) = house.leave();
    assert_eq!(fake.inside().databases.len(), 1);
    assert!(fake.inside().leases.is_empty());
}

#[test]
fn the_end_comes_though_builder_and_door_stay_open() {
    let house = House::new();
    let (mut controller, _) = house.with_template();
    let mut builder = house.enter("builder");
    builder.say(br#"{"op":"wait_prepare"}"#);
    controller.finish();
    drop(controller);
    assert_eq!(builder.hear()["ok"], json!({"over": true}));
    let mut house = house;
    house.thread.take().unwrap().join().unwrap();
    drop(builder);
}

#[test]
fn cleaning_by_hand_shows_reasons_and_drops_only_the_proven() {
    let house = House::new();
    let (clone, orphan) = (names::clone_name("shop", DEAD, 1), names::template_name("shop", 2));
    house.fake.put(&clone, Some(mark(Use::Clone, DEAD, "1")));
    house.fake.put(&orphan, None);
    let (mut controller, template) = house.with_template();
    let plan = controller.ok(json!({"op": "clean_plan", "server": 0, "project": null}));
    let of = |name: &Value| plan.as_array().unwrap().iter().find(|one| &one["name"] == name).unwrap().clone();
    assert_eq!(of(&json!(clone.as_str()))["may_go"], true);
    assert_eq!(of(&json!(orphan.as_str()))["may_go"], false);
    assert_eq!((&of(&template)["kind"], &of(&template)["may_go"]), (&json!("template"), &json!(true)));
    assert!(!of(&json!(orphan.as_str()))["why"].as_str().unwrap().is_empty());
    let names = [clone.as_str(), orphan.as_str(), "postgres"];
    let done = controller.ok(json!({"op": "clean", "server": 0, "names": names}));
    assert_eq!(done["dropped"], 1);
    assert_eq!(house.fake.inside().dropped, [clone]);
}

#[test]
fn another_runs_template_of_the_same_key_is_taken_and_ours_goes() {
    let house = House::new();
    let (mut controller, template) = house.with_template();
    let find = json!({"op": "find", "server": 0, "project": "shop", "key": "key"});
    assert_eq!(controller.ok(find)["template"], template);
    let missed = json!({"op": "find", "server": 0, "project": "shop", "key": "other"});
    assert_eq!(controller.ok(missed)["template"], Value::Null);
    let second = controller.build(&json!(0));
    assert_eq!(controller.publish(&json!(0), &second, "key"), template);
    assert_eq!(house.fake.inside().dropped.len(), 1);
    let third = controller.build(&json!(0));
    let publish =
        json!({"op": "publish", "server": 0, "name": third, "project": "shop", "key": "key", "rebuild": true});
    assert_eq!(controller.ok(publish)["template"], third);
}

fn may_go(controller: &mut Client, template: &Value) -> (bool, String) {
    let plan = controller.ok(json!({"op": "clean_plan", "server": 0, "project": null}));
    let one = plan.as_array().unwrap().iter().find(|one| &one["name"] == template).unwrap();
    (one["may_go"].as_bool().unwrap(), one["why"].as_str().unwrap().to_owned())
}

#[test]
fn by_hand_no_template_goes_while_another_run_is_alive() {
    let house = House::new();
    let (mut controller, template) = house.with_template();
    assert_eq!(may_go(&mut controller, &template), (true, "a template, last used today".to_owned()));
    house.fake.change(|inside| inside.leases.insert(ALIVE.to_owned()));
    assert!(!may_go(&mut controller, &template).0);
    let done = controller.ok(json!({"op": "clean", "server": 0, "names": [template]}));
    assert!(done["failed"].to_string().contains("a run is going on"), "{done}");
    assert_eq!(house.fake.inside().dropped, []);
    house.fake.change(|inside| inside.leases.remove(ALIVE));
    assert_eq!(controller.ok(json!({"op": "clean", "server": 0, "names": [template]}))["dropped"], 1);
}

#[test]
fn an_old_template_stays_while_a_living_run_has_a_clone_of_it() {
    let house = House::new();
    let (used, unused) = (names::template_name("shop", 1), names::template_name("shop", 2));
    let clone = names::clone_name("shop", ALIVE, 3);
    house.fake.put(&used, Some(mark(Use::Template, DEAD, "1")));
    let other = Marker::new(Use::Template, "shop", DEAD, "another key", "2", now() - 100 * 86_400);
    house.fake.put(&unused, Some(other));
    house.fake.put(&clone, Some(mark(Use::Clone, ALIVE, "3")));
    house.fake.change(|inside| inside.leases.insert(ALIVE.to_owned()));
    let mut controller = house.with_template().0;
    controller.ok(json!({"op": "finish", "project": "shop", "keep_templates": 1, "keep_days": 14, "wait": 20}));
    assert_eq!(house.fake.inside().dropped, [unused]);
}

#[test]
fn a_database_that_appears_after_the_run_is_dropped_by_the_next_though_the_server_was_restarted() {
    let house = House::new();
    let (mut controller, _) = house.with_template();
    let begun = controller.ok(json!({"op": "begin", "server": 0, "label": "shop"}))["name"].clone();
    controller.finish();
    drop(controller);
    let (fake, folder) = house.leave();
    let written = std::fs::read_to_string(folder.path().join(format!("journals/{RUN}.journal"))).unwrap();
    assert!(written.contains(begun.as_str().unwrap()), "{written}");
    assert!(fake.inside().leases.is_empty());
    let next = House::new();
    let journals = next.folder.path().join("journals");
    std::fs::create_dir(&journals).unwrap();
    let journal = journals.join(format!("{DEAD}.journal"));
    let line = written.lines().find(|line| line.contains(begun.as_str().unwrap())).unwrap();
    std::fs::write(&journal, line.replace("\"fake\"", "\"before the restart\"") + "\n").unwrap();
    let mut controller = next.with_template().0;
    controller.finish();
    assert!(journal.exists(), "it may still appear");
    drop(controller);
    let (_, left) = next.leave();
    let last = House::new();
    std::fs::rename(left.path().join("journals"), last.folder.path().join("journals")).unwrap();
    let late = begun.as_str().unwrap().parse().unwrap();
    last.fake.put(&late, None);
    last.with_template().0.finish();
    assert!(last.fake.inside().dropped.contains(&late));
    let left: Vec<_> = std::fs::read_dir(last.folder.path().join("journals")).unwrap().flatten().collect();
    assert!(left.iter().all(|one| !one.file_name().to_str().unwrap().starts_with(DEAD)), "{left:?}");
}
