use std::thread::sleep;
use std::time::{Duration, Instant};

use databases::error::DatabaseError;
use databases::marker::Use;
use databases::postgres::IDENTITY;
use databases::server::Server;
use serde_json::json;

use crate::server::private;
use crate::{clone_name, drop_both, marker, template, template_name};

#[test]
fn a_server_is_the_same_by_every_way_and_for_every_role() {
    let Some(private) = private() else { return };
    private.run("postgres", "CREATE ROLE nobody LOGIN; REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC");
    let facts = private.server().facts().unwrap();
    assert_eq!(facts.identity, private.server_as("nobody").facts().unwrap().identity);
    assert_eq!(facts.identity, private.server_over_tcp(&json!({})).facts().unwrap().identity);
    assert_eq!(facts.identity, private.ask::<String>("template1", IDENTITY));
    assert_eq!((facts.vendor, facts.may_create, facts.grant.as_str()), ("postgresql", true, ""));
    assert_eq!((facts.capacity.limit, facts.capacity.reserved), (100, 3));
    assert!(facts.capacity.used > 0);
}

#[test]
fn a_role_without_the_right_is_told_what_would_give_it() {
    let Some(private) = private() else { return };
    private.run("postgres", "CREATE ROLE \"Ann \"\"x\" LOGIN CONNECTION LIMIT 5");
    let server = private.server_as("Ann \"x");
    let facts = server.facts().unwrap();
    assert_eq!((facts.may_create, facts.grant.as_str()), (false, "ALTER ROLE \"Ann \"\"x\" CREATEDB;"));
    assert_eq!((facts.capacity.limit, facts.capacity.reserved), (5, 0));
    let error = server.create(&template_name()).unwrap_err();
    let DatabaseError::Permission { grant, .. } = error else { panic!("{error}") };
    private.run("postgres", &grant);
    let name = clone_name();
    server.create(&name).unwrap();
    server.mark(&name, &marker(Use::Clone)).unwrap();
    drop_both(&server, &[&name]);
}

#[test]
fn an_ordinary_role_does_everything_with_what_is_its_own() {
    let Some(private) = private() else { return };
    private.run("postgres", "CREATE ROLE maker LOGIN CREATEDB; GRANT maker TO admin");
    let (server, admin) = (private.server_as("maker"), private.server());
    let (template, clone) = (template(private, &server, "CREATE TABLE t ()"), clone_name());
    server.clone_template(&template, &clone, &marker(Use::Clone)).unwrap();
    let stranger = admin.look(&clone).unwrap().unwrap();
    assert!(matches!(stranger.prove(), Err(DatabaseError::NotOurs(..))), "another role owns it");
    let used = private.try_client(clone.as_str(), "maker").unwrap();
    drop_both(&server, &[&clone, &template]);
    drop(used);
}

#[test]
fn an_assumed_role_owns_what_is_made() {
    let Some(private) = private() else { return };
    private.run("postgres", "CREATE ROLE assumed CREATEDB");
    let server = private.server_over_tcp(&json!({"role": "assumed"}));
    let name = clone_name();
    server.create(&name).unwrap();
    server.mark(&name, &marker(Use::Clone)).unwrap();
    assert!(server.look(&name).unwrap().unwrap().owned);
    assert!(!private.server().look(&name).unwrap().unwrap().owned);
    drop_both(&server, &[&name]);
}

#[test]
fn a_lease_is_seen_by_others_and_ends_with_its_holder() {
    let Some(private) = private() else { return };
    private.run("postgres", "CREATE DATABASE elsewhere");
    let (one, other) = (private.server(), private.server_over_tcp(&json!({"maintenance": "elsewhere"})));
    let (lease, again) = (one.lease("a").unwrap(), other.lease("a").unwrap());
    drop(again);
    assert!(other.is_leased("a").unwrap());
    assert!(!other.is_leased("b").unwrap());
    drop(lease);
    let deadline = Instant::now() + Duration::from_secs(20);
    while other.is_leased("a").unwrap() {
        assert!(Instant::now() < deadline, "the lease outlived its holder");
        sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_lease_knows_that_its_connection_ended() {
    let Some(private) = private() else { return };
    private.run("postgres", "CREATE ROLE ended LOGIN");
    let server = private.server_as("ended");
    let mut lease = server.lease("ended").unwrap();
    assert!(lease.is_held());
    private.run("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ended'");
    assert!(!lease.is_held());
}

#[test]
fn a_connection_lost_while_idle_is_opened_again() {
    let Some(private) = private() else { return };
    private.run("postgres", "CREATE ROLE lost LOGIN");
    let server = private.server_as("lost");
    server.facts().unwrap();
    private.run("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'lost'");
    server.facts().unwrap();
}

#[test]
fn tls_means_what_it_means_to_libpq() {
    let Some(private) = private() else { return };
    let file = |name: &str| private.folder.join(name).display().to_string();
    let reach = |host: &str, tls: serde_json::Value| {
        private.server_over_tcp(&json!({"host": host, "tls": tls})).facts().map(drop)
    };
    let (authority, stranger, own) = (file("authority.crt"), file("stranger.crt"), file("server.crt"));
    for (host, tls) in [
        ("127.0.0.1", json!({"mode": "disable"})),
        ("127.0.0.1", json!({"mode": "prefer"})),
        ("127.0.0.1", json!({"mode": "require"})),
        ("127.0.0.1", json!({"mode": "verify-ca", "ca": authority})),
        ("localhost", json!({"mode": "verify-full", "ca": authority})),
        ("localhost", json!({"mode": "verify-full", "ca": own})),
    ] {
        assert_eq!(reach(host, tls.clone()), Ok(()), "{tls}");
    }
    for (host, tls) in [
        ("127.0.0.1", json!({"mode": "verify-full", "ca": authority})),
        ("127.0.0.1", json!({"mode": "verify-full", "ca": own})),
        ("127.0.0.1", json!({"mode": "verify-ca", "ca": stranger})),
        ("127.0.0.1", json!({"mode": "require", "ca": stranger})),
        ("localhost", json!({"mode": "verify-full", "ca": file("missing.crt")})),
        ("localhost", json!({"mode": "verify-full"})),
        ("localhost", json!({"mode": "verify-ca"})),
    ] {
        let error = reach(host, tls.clone()).unwrap_err();
        assert!(matches!(error, DatabaseError::Unreachable { .. }), "{tls}: {error}");
        assert!(!error.to_string().contains("a secret"));
    }
}

#[test]
fn prefer_falls_back_where_the_server_wants_no_tls() {
    let Some(private) = private() else { return };
    private.run("postgres", "CREATE ROLE plain LOGIN");
    let reach = |mode: &str| private.server_over_tcp(&json!({"user": "plain", "tls": {"mode": mode}})).facts();
    reach("prefer").unwrap();
    reach("require").unwrap_err();
    let wrong = json!({"password": "wrong", "tls": {"mode": "prefer"}});
    let error = private.server_over_tcp(&wrong).facts().unwrap_err().to_string();
    assert!(error.contains("password authentication failed"), "{error}");
}

#[test]
fn a_client_certificate_opens_the_door() {
    let Some(private) = private() else { return };
    private.run("postgres", "CREATE ROLE certified LOGIN");
    let file = |name: &str| private.folder.join(name).display().to_string();
    let tls = json!({"mode": "require", "cert": file("certified.crt"), "key": file("certified.key")});
    private.server_over_tcp(&json!({"user": "certified", "tls": tls})).facts().unwrap();
    private.server_over_tcp(&json!({"user": "certified", "tls": {"mode": "require"}})).facts().unwrap_err();
}

#[test]
fn what_does_not_let_us_in_is_unreachable_and_tells_no_password() {
    let Some(private) = private() else { return };
    for wrong in [
        json!({"password": "not a secret"}),
        json!({"user": "stranger"}),
        json!({"maintenance": "missing"}),
        json!({"host": "name.invalid"}),
    ] {
        let error = private.server_over_tcp(&wrong).facts().unwrap_err();
        assert!(matches!(error, DatabaseError::Unreachable { .. }), "{wrong}: {error}");
        assert!(!error.to_string().contains("a secret"), "{error}");
    }
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let target = json!({
        "vendor": "postgresql", "host": "127.0.0.1", "port": silent.local_addr().unwrap().port(), "connect_timeout": 1
    });
    let server = databases::postgres::PostgresServer::new(serde_json::from_value(target).unwrap());
    let error = server.facts().unwrap_err();
    assert!(matches!(&error, DatabaseError::Unreachable { reason, .. } if reason.contains("1 s")), "{error}");
}
