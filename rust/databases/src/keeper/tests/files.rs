//! SQLite: the whole way, with real files.

use std::fs;

use super::*;

fn target(house: &House, clones: bool) -> Value {
    let folder = house.folder.path();
    json!({
        "vendor": "sqlite", "templates": folder.join("templates"),
        "clones": clones.then(|| folder.join("clones")),
    })
}

fn prepare(house: &House, clones: bool) -> (Client, Value) {
    let mut controller = house.enter("controller");
    let facts = controller.ok(json!({"op": "open", "target": target(house, clones)}));
    let name = controller.build(&facts["server"]);
    let file = house.folder.path().join(format!("templates/{}.sqlite3", name.as_str().unwrap()));
    fs::write(file, "pages").unwrap();
    let template = controller.publish(&facts["server"], &name, "key");
    (controller, template)
}

#[test]
fn a_file_suite_gets_clones_that_are_gone_after_the_run() {
    let house = House::real();
    let (mut controller, template) = prepare(&house, true);
    controller.settle(&template, 1);
    let mut worker = house.enter("worker");
    let clone = worker.ok(wish("clone", 20.0));
    let path = clone["path"].as_str().unwrap();
    assert_eq!(fs::read(path).unwrap(), b"pages");
    fs::write(path, "changed").unwrap();
    assert_eq!(worker.ok(json!({"op": "restore", "name": clone["name"]}))["in_place"], true);
    assert_eq!(fs::read(path).unwrap(), b"pages");
    controller.until(|status| status["clones"]["ready"] == 1);
    let report = controller.finish();
    assert_eq!((&report["dropped"], &report["failed"]), (&json!(2), &json!([])), "{report}");
    assert!(!house.folder.path().join("clones").exists());
    let left: Vec<_> = fs::read_dir(house.folder.path().join("templates")).unwrap().collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn a_suite_in_memory_gets_the_templates_path_and_nothing_is_made() {
    let house = House::real();
    let (mut controller, template) = prepare(&house, false);
    controller.settle(&template, 4);
    let clone = house.enter("worker").ok(wish("clone", 20.0));
    assert_eq!((&clone["name"], &clone["template"]), (&template, &template));
    assert_eq!(fs::read(clone["path"].as_str().unwrap()).unwrap(), b"pages");
    assert_eq!(controller.finish()["dropped"], 0);
    assert!(fs::exists(clone["path"].as_str().unwrap()).unwrap());
}

#[test]
fn a_portable_file_becomes_a_template() {
    let house = House::real();
    let (mut controller, template) = prepare(&house, true);
    let path = house.folder.path().join("portable");
    controller.ok(json!({"op": "dump", "server": 0, "template": template, "path": path}));
    let load =
        |key: &str| json!({"op": "load", "server": 0, "label": "shop", "project": "shop", "key": key, "path": path});
    let loaded = controller.ok(load("other"))["template"].clone();
    assert_ne!(loaded, template);
    let file = house.folder.path().join(format!("templates/{}.sqlite3", loaded.as_str().unwrap()));
    assert_eq!(fs::read(file).unwrap(), b"pages");
    fs::write(&path, "damaged").unwrap();
    assert_eq!(controller.refused(load("third"))["kind"], "unsupported");
    assert_eq!(fs::read_dir(house.folder.path().join("templates")).unwrap().count(), 5);
}

#[test]
fn the_same_target_is_the_same_server() {
    let house = House::real();
    let mut client = house.enter("controller");
    let request = json!({"op": "open", "target": target(&house, true)});
    let first = client.ok(request.clone());
    assert_eq!(house.enter("maker").ok(request)["server"], first["server"]);
    assert_eq!(first["may_create"], true);
}

#[test]
fn a_template_that_another_run_may_open_is_not_dropped_by_hand() {
    use crate::server::Server;
    let house = House::real();
    let (mut controller, template) = prepare(&house, false);
    let theirs = target(&house, false);
    let folder = crate::sqlite::SqliteFolder::new(&serde_json::from_value(theirs).unwrap()).unwrap();
    let clean = json!({"op": "clean", "server": 0, "names": [template]});
    let lease = folder.lease("aaaaaaaaaaaaaaaa").unwrap();
    assert_eq!(controller.ok(clean.clone())["dropped"], 0);
    drop(lease);
    assert_eq!(controller.ok(clean)["dropped"], 1);
}
