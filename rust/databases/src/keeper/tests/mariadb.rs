//! With a real MariaDB.

use engine::guard::DatabaseName;

use super::*;
use crate::mysql::tests::{Running, one, running, sql, template};

/// A controller that has settled a template, and a worker with a clone of it.
fn enter(house: &House, server: &Running) -> (Client, Client, DatabaseName) {
    let template = template(server, &["CREATE TABLE book (title TEXT)", "INSERT INTO book VALUES ('first')"]);
    let mut controller = house.enter("controller");
    let port = server.port();
    let target = json!({"vendor": "mysql", "host": "127.0.0.1", "port": port, "user": "all", "password": "secret"});
    controller.ok(json!({"op": "open", "target": target}));
    controller.settle(&json!(template.as_str()), 1);
    let mut worker = house.enter("worker");
    let name = worker.ok(wish("clone", 50.0))["name"].as_str().unwrap().parse().unwrap();
    (controller, worker, name)
}

fn run(server: &Running, name: &DatabaseName, statement: &str) {
    sql(&mut *server.talk(Some(name)), statement);
}

fn titles(server: &Running, name: &DatabaseName) -> Option<String> {
    one(&mut *server.talk(Some(name)), "SELECT GROUP_CONCAT(title ORDER BY title) FROM book")
}

#[test]
fn a_clone_in_use_outlives_a_restart_and_the_pool_goes_on() {
    if running().is_none() {
        return;
    }
    let (mut server, house) = (Running::start(), House::real());
    let (mut controller, mut worker, name) = enter(&house, &server);
    controller.until(|status| status["clones"]["ready"] == 1);
    run(&server, &name, "INSERT INTO book VALUES ('second')");
    server.restart();
    assert_eq!(worker.ok(json!({"op": "verify", "name": name.as_str()}))["alive"], true);
    assert_eq!(titles(&server, &name).as_deref(), Some("first,second"));
    for _ in 0..2 {
        let another = worker.ok(wish("clone", 50.0))["name"].as_str().unwrap().parse().unwrap();
        assert_eq!(titles(&server, &another).as_deref(), Some("first"));
    }
    controller.until(|status| status["notes"].to_string().contains("opened again"));
    let report = controller.finish();
    assert_eq!(report["failed"], json!([]), "{report}");
    assert_eq!(crate::server::Server::list(&server.server()).unwrap().len(), 1);
}

#[test]
fn a_restore_brings_back_the_rows_that_were_kept() {
    let Some(server) = running() else { return };
    let house = House::real();
    let (mut controller, mut worker, name) = enter(&house, &server);
    for kept in ["kept", "later"] {
        run(&server, &name, &format!("INSERT INTO book VALUES ('{kept}')"));
        worker.ok(json!({"op": "snapshot", "name": name.as_str(), "wait": 50}));
    }
    run(&server, &name, "INSERT INTO book VALUES ('lost')");
    let restored = worker.ok(json!({"op": "restore", "name": name.as_str()}));
    assert_eq!(restored["in_place"], true);
    assert_eq!(titles(&server, &name).as_deref(), Some("first,kept,later"));
    // A table that came since is no matter of rows: another clone is the way back.
    run(&server, &name, "CREATE TABLE author (name TEXT)");
    let another = worker.ok(json!({"op": "restore", "name": name.as_str()}))["name"].as_str().unwrap().parse().unwrap();
    assert_ne!(another, name);
    assert_eq!(titles(&server, &another).as_deref(), Some("first,kept,later"));
    let report = controller.finish();
    assert_eq!(report["failed"], json!([]), "{report}");
}

#[test]
fn the_capacity_is_what_the_server_says() {
    let Some(server) = running() else { return };
    sql(&mut *server.talk(None), "SET GLOBAL max_connections = 140");
    let facts = crate::server::Server::facts(&server.server()).unwrap();
    assert_eq!((facts.capacity.limit, facts.capacity.reserved), (140, 0));
    let guests: Vec<_> = (0..4).map(|_| server.talk(None)).collect();
    let capacity = crate::server::Server::facts(&server.server()).unwrap().capacity;
    assert!(capacity.used as usize >= guests.len());
}
