use databases::error::DatabaseError;
use databases::marker::Use;
use databases::names;
use databases::server::Server;

use crate::server::private;
use crate::{clone_name, drop_both, marker, template, template_name};

#[test]
fn a_foreign_database_is_never_proven_ours() {
    let Some(private) = private() else { return };
    let server = private.server();
    let name = template_name();
    private.run("postgres", &format!("CREATE DATABASE {name}"));
    assert!(matches!(server.look(&name).unwrap().unwrap().prove(), Err(DatabaseError::NotOurs(..))));
    private.run("postgres", &format!("COMMENT ON DATABASE {name} IS 'the accounts, do not touch'"));
    assert!(matches!(server.look(&name).unwrap().unwrap().prove(), Err(DatabaseError::NotOurs(..))));
    private.run("postgres", &format!("DROP DATABASE {name}"));
}

#[test]
fn a_database_made_again_under_the_name_is_not_dropped() {
    let Some(private) = private() else { return };
    let server = private.server();
    let name = clone_name();
    server.create(&name).unwrap();
    server.mark(&name, &marker(Use::Clone)).unwrap();
    let proof = server.look(&name).unwrap().unwrap().prove().unwrap();
    private.run("postgres", &format!("DROP DATABASE {name}"));
    private.run("postgres", &format!("CREATE DATABASE {name}"));
    assert!(matches!(server.drop_database(&proof), Err(DatabaseError::NotOurs(..))));
    assert!(server.look(&name).unwrap().is_some());
    private.run("postgres", &format!("DROP DATABASE {name}"));
    assert_eq!(server.drop_database(&proof), Ok(()), "what is gone needs no drop");
}

#[test]
fn a_clone_in_use_is_dropped_with_its_connections() {
    let Some(private) = private() else { return };
    let server = private.server();
    let (template, clone) = (template(private, &server, "CREATE TABLE t ()"), clone_name());
    server.clone_template(&template, &clone, &marker(Use::Clone)).unwrap();
    let mut used = private.client(clone.as_str());
    used.batch_execute("BEGIN; LOCK TABLE t").unwrap();
    let found = server.look(&clone).unwrap().unwrap();
    assert_eq!(found.sessions, 1);
    assert!(found.size > 1_000_000, "{}", found.size);
    drop_both(&server, &[&clone, &template]);
    assert!(used.batch_execute("SELECT 1").is_err());
}

#[test]
fn only_connections_to_the_named_database_end() {
    let Some(private) = private() else { return };
    let server = private.server();
    let (one, other) = (clone_name(), clone_name());
    for name in [&one, &other] {
        server.create(name).unwrap();
        server.mark(name, &marker(Use::Clone)).unwrap();
    }
    let (mut ended, mut spared) = (private.client(one.as_str()), private.client(other.as_str()));
    let proof = server.look(&one).unwrap().unwrap().prove().unwrap();
    assert_eq!(server.end_sessions(&proof), Ok(1));
    assert!(ended.batch_execute("SELECT 1").is_err());
    spared.batch_execute("SELECT 1").unwrap();
    drop(spared);
    drop_both(&server, &[&one, &other]);
}

#[test]
fn a_database_left_by_an_interrupted_drop_is_seen_and_dropped() {
    let Some(private) = private() else { return };
    let server = private.server();
    let template = template(private, &server, "");
    private.run("postgres", &format!("UPDATE pg_database SET datconnlimit = -2 WHERE datname = '{template}'"));
    assert!(server.look(&template).unwrap().unwrap().broken);
    private.run("postgres", &format!("UPDATE pg_database SET datistemplate = false WHERE datname = '{template}'"));
    drop_both(&server, &[&template]);
}

#[test]
fn only_names_that_ours_could_have_are_listed() {
    let Some(private) = private() else { return };
    let server = private.server();
    let ours = template(private, &server, "");
    private.run("postgres", "CREATE DATABASE test_shop");
    private.run("postgres", "CREATE DATABASE \"testXshop_t_0123456789abcdef\"");
    let listed = server.list().unwrap();
    assert!(listed.iter().any(|found| found.name == ours && found.prove().is_ok()));
    assert!(listed.iter().all(|found| names::kind_of(found.name.as_str()).is_some()));
    drop_both(&server, &[&ours]);
}

#[test]
fn a_name_of_no_kind_is_never_marked() {
    let Some(private) = private() else { return };
    let name = "test_accounts".parse().unwrap();
    private.run("postgres", "CREATE DATABASE test_accounts");
    assert!(matches!(private.server().mark(&name, &marker(Use::Clone)), Err(DatabaseError::NotOurs(..))));
    private.run("postgres", "DROP DATABASE test_accounts");
}
