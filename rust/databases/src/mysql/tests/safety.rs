//! What is ours, what is not, and who may do what.

use std::thread;
use std::time::Duration;

use super::{clone_name, clone_of, marker, one, random, running, sql, template};
use crate::error::DatabaseError;
use crate::marker::Use;
use crate::mysql::marks::Place;
use crate::mysql::{IDENTITY, MysqlServer};
use crate::names;
use crate::server::Server;
use crate::session::Connector;

#[test]
fn a_marked_clone_is_proven_and_dropped() {
    let Some(running) = running() else { return };
    let (server, template) = (running.server(), template(&running, &["CREATE TABLE t (id INT)"]));
    let clone = clone_of(&server, &template);
    let found = server.look(&clone).unwrap().unwrap();
    assert_eq!((found.marker.as_ref().unwrap().kind, found.sessions), (Use::Clone, 0));
    assert!(found.size > 0);
    assert!(server.list().unwrap().iter().any(|one| one.name == clone));
    let owned = found.prove().unwrap();
    server.drop_database(&owned).unwrap();
    assert_eq!(server.look(&clone).unwrap(), None);
    server.drop_database(&owned).unwrap();
}

#[test]
fn the_identity_of_a_clone_is_what_the_server_says() {
    let Some(running) = running() else { return };
    let (server, template, clone) = (running.server(), template(&running, &[]), clone_name());
    let made = server.clone_template(&template, &clone, &marker(Use::Clone)).unwrap();
    let statement = "SELECT SCHEMA_COMMENT FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = DATABASE()";
    assert_eq!(one(&mut *running.talk(Some(&clone)), statement), Some(made.identity));
}

#[test]
fn a_foreign_database_with_a_name_like_ours_stays() {
    let Some(running) = running() else { return };
    let (server, foreign, mut session) = (running.server(), clone_name(), running.talk(None));
    sql(&mut *session, &format!("CREATE DATABASE {foreign} COMMENT 'mine'"));
    assert!(server.look(&foreign).unwrap().unwrap().prove().is_err());
    let template = template(&running, &[]);
    let error = server.clone_template(&template, &foreign, &marker(Use::Clone)).unwrap_err();
    assert!(matches!(error, DatabaseError::NotOurs(..)), "{error}");
    assert!(server.look(&foreign).unwrap().is_some());
}

#[test]
fn a_mark_that_changed_since_the_proof_stops_the_drop() {
    let Some(running) = running() else { return };
    let (server, template) = (running.server(), template(&running, &[]));
    let clone = clone_of(&server, &template);
    let owned = server.look(&clone).unwrap().unwrap().prove().unwrap();
    server.mark(&clone, &marker(Use::Template)).unwrap();
    assert!(matches!(server.drop_database(&owned), Err(DatabaseError::NotOurs(..))));
    assert!(server.look(&clone).unwrap().is_some());
}

#[test]
fn marks_in_tables_say_the_same_and_are_not_copied() {
    let Some(running) = running() else { return };
    let (mut server, name, clone) = (running.server(), names::template_name("shop", random()), clone_name());
    server.place = Some(Place::Table);
    server.create(&name).unwrap();
    assert_eq!(server.look(&name).unwrap().unwrap().marker, None);
    server.mark(&name, &marker(Use::Build)).unwrap();
    sql(&mut *running.talk(Some(&name)), "CREATE TABLE t (id INT)");
    server.seal(&name, &marker(Use::Template)).unwrap();
    let made = server.clone_template(&name, &clone, &marker(Use::Clone)).unwrap();
    assert_eq!(made.identity, clone.as_str());
    let found = server.list().unwrap();
    let kind = |name| found.iter().find(|one| &one.name == name).unwrap().marker.as_ref().unwrap().kind;
    assert_eq!((kind(&name), kind(&clone)), (Use::Template, Use::Clone));
    server.drop_database(&server.look(&clone).unwrap().unwrap().prove().unwrap()).unwrap();
    assert_eq!(server.look(&clone).unwrap(), None);
}

#[test]
fn a_database_is_dropped_although_a_transaction_holds_its_tables() {
    let Some(running) = running() else { return };
    let (server, template) = (running.server(), template(&running, &["CREATE TABLE t (id INT)"]));
    let clone = clone_of(&server, &template);
    let mut user = running.talk(Some(&clone));
    sql(&mut *user, "START TRANSACTION");
    sql(&mut *user, "INSERT INTO t VALUES (1)");
    let owned = server.look(&clone).unwrap().unwrap().prove().unwrap();
    server.drop_database(&owned).unwrap();
    assert_eq!(server.look(&clone).unwrap(), None);
    assert!(user.query("SELECT 1").unwrap_err().lost);
}

#[test]
fn a_transaction_elsewhere_that_holds_its_tables_makes_it_busy() {
    let Some(running) = running() else { return };
    let (server, template) = (running.server(), template(&running, &["CREATE TABLE t (id INT)"]));
    let clone = clone_of(&server, &template);
    let mut user = running.talk(None);
    sql(&mut *user, "START TRANSACTION");
    sql(&mut *user, &format!("SELECT * FROM {clone}.t"));
    let owned = server.look(&clone).unwrap().unwrap().prove().unwrap();
    let error = server.drop_database(&owned).unwrap_err();
    assert!(matches!(&error, DatabaseError::Busy(name, _) if name == clone.as_str()), "{error}");
    sql(&mut *user, "COMMIT");
    server.drop_database(&owned).unwrap();
}

#[test]
fn only_sessions_of_that_database_are_ended() {
    let Some(running) = running() else { return };
    let (server, template) = (running.server(), template(&running, &[]));
    let (one_clone, other) = (clone_of(&server, &template), clone_of(&server, &template));
    let (mut gone, mut stays) = (running.talk(Some(&one_clone)), running.talk(Some(&other)));
    let owned = server.look(&one_clone).unwrap().unwrap().prove().unwrap();
    assert_eq!(server.end_sessions(&owned).unwrap(), 1);
    assert!(gone.query("SELECT 1").unwrap_err().lost);
    sql(&mut *stays, "SELECT 1");
}

#[test]
fn a_lease_lasts_as_long_as_its_holder() {
    let Some(running) = running() else { return };
    let (server, run) = (running.server(), format!("{:016x}", random()));
    assert!(!server.is_leased(&run).unwrap());
    let mut lease = server.lease(&run).unwrap();
    assert!(lease.is_held() && server.is_leased(&run).unwrap() && running.server().is_leased(&run).unwrap());
    drop(lease);
    assert!(!server.is_leased(&run).unwrap());
}

#[test]
fn one_lock_is_held_by_one() {
    let Some(running) = running() else { return };
    let (server, key) = (running.server(), format!("{:016x}", random()));
    let held = server.lock(&key, Duration::ZERO).unwrap().unwrap();
    assert!(server.lock(&key, Duration::from_millis(50)).unwrap().is_none());
    assert!(server.lock(&(key.clone() + "x"), Duration::ZERO).unwrap().is_some());
    thread::scope(|scope| {
        let waiter = scope.spawn(|| server.lock(&key, Duration::from_secs(30)).unwrap().is_some());
        drop(held);
        assert!(waiter.join().unwrap());
    });
}

#[test]
fn a_user_without_rights_learns_what_to_ask_for() {
    let Some(running) = running() else { return };
    let server = MysqlServer::new(running.target("none", ""));
    let wanted = "GRANT ALL PRIVILEGES ON `test\\_%`.* TO 'none'@'%';";
    let facts = server.facts().unwrap();
    assert_eq!((facts.may_create, facts.grant.as_str()), (false, wanted));
    let error = server.create(&clone_name()).unwrap_err();
    assert!(matches!(&error, DatabaseError::Permission { grant, .. } if grant == wanted), "{error}");
}

#[test]
fn rights_on_test_databases_are_enough() {
    let Some(running) = running() else { return };
    let server = MysqlServer::new(running.target("ours", ""));
    let facts = server.facts().unwrap();
    assert!(facts.may_create && facts.vendor == "mariadb" && facts.capacity.limit > 0 && facts.capacity.used > 0);
    let (name, clone) = (names::template_name("shop", random()), clone_name());
    server.create(&name).unwrap();
    server.mark(&name, &marker(Use::Build)).unwrap();
    server.seal(&name, &marker(Use::Template)).unwrap();
    server.clone_template(&name, &clone, &marker(Use::Clone)).unwrap();
    server.drop_database(&server.look(&clone).unwrap().unwrap().prove().unwrap()).unwrap();
}

#[test]
fn a_wrong_password_is_no_connection_and_is_not_told() {
    let Some(running) = running() else { return };
    let mut target = running.target("all", "");
    target.password = serde_json::from_str("\"hunter2\"").unwrap();
    let error = MysqlServer::new(target).facts().unwrap_err();
    assert!(matches!(error, DatabaseError::Unreachable { .. }), "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}

#[test]
fn every_connection_gives_the_same_identity() {
    let Some(running) = running() else { return };
    let identity = running.server().facts().unwrap().identity;
    thread::sleep(Duration::from_millis(1_100));
    assert_eq!(one(&mut *running.talk(None), IDENTITY), Some(identity));
}

#[test]
fn a_demanded_certificate_is_checked() {
    let Some(running) = running() else { return };
    let cipher = |mode: &str, ca: &str| {
        let ca = running.file(ca);
        let tls = format!(r#","tls":{{"mode":"{mode}","ca":"{}"}}"#, ca.display());
        let mut session = super::Driver::new(running.target("all", &tls)).connect(None)?;
        Ok::<_, DatabaseError>(sql(&mut *session, "SHOW STATUS LIKE 'Ssl_cipher'")[0][1].clone().unwrap())
    };
    for mode in ["prefer", "require", "verify-ca", "verify-full"] {
        assert!(!cipher(mode, "ca.pem").unwrap().is_empty(), "{mode}");
    }
    assert_eq!(cipher("disable", "ca.pem").unwrap(), "");
    assert!(!cipher("require", "other.pem").unwrap().is_empty());
    for mode in ["verify-ca", "verify-full"] {
        assert!(matches!(cipher(mode, "other.pem"), Err(DatabaseError::Unreachable { .. })), "{mode}");
    }
}

#[test]
fn a_missing_template_is_missing() {
    let Some(running) = running() else { return };
    let (server, name) = (running.server(), names::template_name("shop", random()));
    for error in [
        server.clone_template(&name, &clone_name(), &marker(Use::Clone)).unwrap_err(),
        server.seal(&name, &marker(Use::Template)).unwrap_err(),
        server.mark(&name, &marker(Use::Build)).unwrap_err(),
    ] {
        assert!(matches!(error, DatabaseError::Missing(_)), "{error}");
    }
}
