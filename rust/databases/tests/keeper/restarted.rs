//! A server that ends connections, and one that is restarted.

use std::os::fd::AsFd;
use std::thread::{self, JoinHandle};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Client, door};
use crate::server::{Private, programs};
use crate::{RETRIES, RUN, ours, template};

/// A run with a server of its own: its controller, a worker, and the worker's clone.
struct Run {
    private: Private,
    controller: Client,
    worker: Client,
    name: String,
    facts: Value,
    keeper: JoinHandle<()>,
    _journals: TempDir,
}

fn run() -> Option<Run> {
    let private = Private::start(&programs()?, &["-c", "fsync=off", "-c", "max_connections=40"]);
    let template = template(&private);
    let journals = tempfile::tempdir().unwrap();
    let (near, far) = door();
    let folder = journals.path().join("journals");
    let keeper = thread::spawn(move || databases::keeper::keep(&far, &folder, RUN, RETRIES).unwrap());
    let mut controller = Client::enter(near.as_fd(), "controller");
    let facts = controller.settle(&private, &template, 1);
    let mut worker = Client::enter(near.as_fd(), "worker");
    let name = worker.clone();
    Some(Run { private, controller, worker, name, facts, keeper, _journals: journals })
}

impl Run {
    /// The titles in a database.
    fn titles(&self, name: &str) -> String {
        self.private.ask(name, "SELECT coalesce(string_agg(title, ',' ORDER BY title), '') FROM book")
    }

    /// Nothing but the template is left.
    fn end(mut self) {
        drop(self.worker);
        let report = self.controller.finish();
        assert_eq!(report["failed"], json!([]), "{report}");
        assert_eq!(ours(&self.private).len(), 1);
        drop(self.controller);
        self.keeper.join().unwrap();
    }
}

#[test]
fn a_clone_in_use_outlives_a_restart_and_the_pool_goes_on() {
    let Some(mut run) = run() else { return };
    run.controller.until(|status| status["clones"]["ready"] == 1);
    run.private.run(&run.name, "INSERT INTO book VALUES ('second')");
    run.private.restart();
    let verify = json!({"op": "verify", "name": run.name});
    assert_eq!(run.worker.ok(&verify)["alive"], true);
    assert_eq!(run.titles(&run.name), "first,second");
    let another = run.worker.clone();
    assert_eq!(run.titles(&another), "first");
    let third = run.worker.clone();
    assert_eq!(run.titles(&third), "first");
    run.controller.until(|status| status["notes"].to_string().contains("opened again"));
    run.end();
}

#[test]
fn connections_that_were_ended_are_opened_again() {
    let Some(mut run) = run() else { return };
    run.controller.until(|status| status["clones"]["ready"] == 1);
    let ended: i64 = run.private.ask(
        "postgres",
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'pytest-concurrent'",
    );
    assert!(ended >= 2, "the lease and at least one that makes clones");
    for _ in 0..4 {
        let name = run.worker.clone();
        assert_eq!(run.titles(&name), "first");
    }
    run.controller.until(|status| status["notes"].to_string().contains("opened again"));
    let leases: i64 =
        run.private.ask("postgres", "SELECT count(DISTINCT pid) FROM pg_locks WHERE locktype = 'advisory'");
    assert_eq!(leases, 1);
    run.end();
}

#[test]
fn a_restore_brings_back_the_rows_that_were_kept() {
    let Some(mut run) = run() else { return };
    run.private.run(&run.name, "INSERT INTO book VALUES ('kept')");
    // A connection that somebody forgot does not keep a copy from being made.
    let _forgotten = run.private.client(&run.name);
    run.worker.ok(&json!({"op": "snapshot", "name": run.name, "wait": 50}));
    run.private.run(&run.name, "INSERT INTO book VALUES ('lost')");
    let second = run.worker.restore(&run.name);
    assert_eq!(run.titles(&second), "first,kept");
    run.private.run(&second, "DELETE FROM book");
    let third = run.worker.restore(&second);
    assert_eq!(run.titles(&third), "first,kept");
    let fresh = run.worker.clone();
    assert_eq!(run.titles(&fresh), "first");
    run.end();
}

#[test]
fn the_capacity_is_what_the_server_says() {
    let Some(mut run) = run() else { return };
    let capacity = &run.facts["capacity"];
    assert_eq!((&capacity["limit"], &capacity["reserved"]), (&json!(40), &json!(3)));
    let _guests: Vec<_> = (0..5).map(|_| run.private.client("postgres")).collect();
    let target =
        json!({"vendor": "postgresql", "socket": run.private.folder, "port": run.private.port, "user": "admin"});
    let now = run.controller.ok(&json!({"op": "open", "target": target}))["capacity"]["used"].clone();
    assert!(now.as_u64() >= Some(6), "{now}");
    run.end();
}
