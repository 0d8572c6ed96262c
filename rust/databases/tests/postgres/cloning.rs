use std::thread;
use std::time::Duration;

use databases::error::DatabaseError;
use databases::marker::Use;
use databases::server::Server;

use crate::server::private;
use crate::{clone_name, drop_both, marker, template, template_name};

const SCHEMA: &str = "
    CREATE TABLE shelf (id serial PRIMARY KEY, label text UNIQUE);
    CREATE TABLE book (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, shelf int NOT NULL REFERENCES shelf);
    INSERT INTO shelf (label) VALUES ('a'), ('b'), ('c');
    INSERT INTO book (shelf) VALUES (1), (3);";

#[test]
fn a_clone_keeps_rows_sequences_and_keys() {
    let Some(private) = private() else { return };
    let server = private.server();
    let (template, clone) = (template(private, &server, SCHEMA), clone_name());
    let made = server.clone_template(&template, &clone, &marker(Use::Clone)).unwrap();
    assert_eq!(
        made.identity,
        private
            .ask::<u32>(clone.as_str(), "SELECT oid FROM pg_database WHERE datname = current_database()")
            .to_string()
    );
    private.run(clone.as_str(), "INSERT INTO shelf (label) VALUES ('d'); INSERT INTO book (shelf) VALUES (4)");
    assert_eq!(private.ask::<i32>(clone.as_str(), "SELECT max(id) FROM shelf"), 4);
    assert_eq!(private.ask::<i64>(clone.as_str(), "SELECT max(id) FROM book"), 3);
    let error = private.client(clone.as_str()).batch_execute("INSERT INTO book (shelf) VALUES (9)").unwrap_err();
    assert_eq!(error.code().unwrap().code(), "23503");
    drop_both(&server, &[&clone, &template]);
}

#[test]
fn two_clones_are_made_at_once() {
    let Some(private) = private() else { return };
    let server = private.server();
    let (template, clones) = (template(private, &server, SCHEMA), [clone_name(), clone_name(), clone_name()]);
    thread::scope(|scope| {
        for clone in &clones {
            scope.spawn(|| server.clone_template(&template, clone, &marker(Use::Clone)).unwrap());
        }
    });
    for clone in &clones {
        assert_eq!(private.ask::<i64>(clone.as_str(), "SELECT count(*) FROM shelf"), 3);
        drop_both(&server, &[clone]);
    }
    drop_both(&server, &[&template]);
}

#[test]
fn a_clone_has_the_rights_and_settings_of_its_template() {
    let Some(private) = private() else { return };
    let server = private.server();
    private.run("postgres", "CREATE ROLE reader LOGIN");
    let name = template_name();
    server.create(&name).unwrap();
    private.run(
        "postgres",
        &format!(
            "REVOKE ALL ON DATABASE {name} FROM PUBLIC; GRANT CONNECT ON DATABASE {name} TO reader;
             ALTER DATABASE {name} SET search_path TO \"$user\", \"odd, name\", public;
             ALTER DATABASE {name} SET app.motto TO 'it''s, \\so'; ALTER DATABASE {name} SET timezone TO 'Asia/Tokyo';
             ALTER ROLE reader IN DATABASE {name} SET work_mem TO '7MB'"
        ),
    );
    server.seal(&name, &marker(Use::Template)).unwrap();
    let clone = clone_name();
    server.clone_template(&name, &clone, &marker(Use::Clone)).unwrap();
    let equal = |column: &str, table: &str, on: &str| -> bool {
        let of = |name| format!("(SELECT {column} FROM {table} JOIN pg_database d ON {on} WHERE datname = '{name}')");
        private.ask("postgres", &format!("SELECT {} = {}", of(name.as_str()), of(clone.as_str())))
    };
    assert!(equal("datacl::text", "(SELECT) AS nothing", "true"));
    assert!(equal(
        "string_agg(setrole || setconfig::text, ';' ORDER BY setrole)",
        "pg_db_role_setting",
        "setdatabase = d.oid"
    ));
    assert_eq!(private.ask::<String>(clone.as_str(), "SHOW app.motto"), "it's, \\so");
    drop_both(&server, &[&clone, &name]);
}

#[test]
fn a_stuck_connection_does_not_keep_a_template_from_being_copied() {
    let Some(private) = private() else { return };
    let server = private.server();
    let name = template_name();
    server.create(&name).unwrap();
    private.run(name.as_str(), SCHEMA);
    let mut stuck = private.client(name.as_str());
    stuck.batch_execute("BEGIN; LOCK TABLE shelf").unwrap();
    server.seal(&name, &marker(Use::Template)).unwrap();
    assert!(stuck.batch_execute("SELECT 1").is_err(), "the connection survived");
    assert!(private.try_client(name.as_str(), "admin").is_err(), "a template let somebody in");
    assert_eq!(server.look(&name).unwrap().unwrap().sessions, 0);

    private.run("postgres", &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true"));
    let mut straggler = private.client(name.as_str());
    let clone = clone_name();
    server.clone_template(&name, &clone, &marker(Use::Clone)).unwrap();
    assert!(straggler.batch_execute("SELECT 1").is_err(), "the connection survived");
    drop_both(&server, &[&clone, &name]);
}

#[test]
fn what_autovacuum_would_come_for_is_done_in_a_template() {
    let Some(private) = private() else { return };
    let server = private.server();
    let schema = "CREATE TABLE large AS SELECT generate_series(1, 5000) AS n; CREATE TABLE small AS SELECT 1 AS n";
    let (template, clone) = (template(private, &server, schema), clone_name());
    server.clone_template(&template, &clone, &marker(Use::Clone)).unwrap();
    let statement = "SELECT relallvisible > 0 FROM pg_class WHERE relname = ";
    assert!(private.ask::<bool>(clone.as_str(), &format!("{statement} 'large'")));
    assert!(!private.ask::<bool>(clone.as_str(), &format!("{statement} 'small'")), "two more files for nothing");
    drop_both(&server, &[&clone, &template]);
}

#[test]
fn a_prepared_transaction_is_named_before_anything_is_sealed() {
    let Some(private) = private() else { return };
    let server = private.server();
    let name = template_name();
    server.create(&name).unwrap();
    private.run(name.as_str(), "BEGIN; CREATE TABLE t (); PREPARE TRANSACTION 'left'");
    let error = server.seal(&name, &marker(Use::Template)).unwrap_err();
    assert!(matches!(&error, DatabaseError::Busy(_, why) if why.contains("prepared")), "{error}");
    private.run(name.as_str(), "COMMIT PREPARED 'left'");
    server.seal(&name, &marker(Use::Template)).unwrap();
    drop_both(&server, &[&name]);
}

#[test]
fn a_taken_name_and_a_missing_template_are_told_apart() {
    let Some(private) = private() else { return };
    let server = private.server();
    let (template, clone) = (template(private, &server, ""), clone_name());
    server.clone_template(&template, &clone, &marker(Use::Clone)).unwrap();
    let again = server.clone_template(&template, &clone, &marker(Use::Clone)).unwrap_err();
    assert!(matches!(again, DatabaseError::Busy(name, _) if name == clone.as_str()));
    let gone = template_name();
    let error = server.clone_template(&gone, &clone_name(), &marker(Use::Clone)).unwrap_err();
    assert_eq!(error, DatabaseError::Missing(gone.to_string()));
    drop_both(&server, &[&clone, &template]);
}

#[test]
fn a_lock_excludes_and_ends_with_its_holder() {
    let Some(private) = private() else { return };
    let (one, other) = (private.server(), private.server());
    let mut held = one.lock("k", Duration::ZERO).unwrap().unwrap();
    assert!(held.is_held());
    assert!(other.lock("k", Duration::from_millis(120)).unwrap().is_none());
    assert!(other.lock("another", Duration::ZERO).unwrap().is_some());
    drop(held);
    assert!(other.lock("k", Duration::from_secs(20)).unwrap().is_some());
}

#[test]
fn another_runs_lease_is_seen_without_knowing_its_id() {
    let Some(private) = private() else { return };
    let (one, other) = (private.server(), private.server());
    let own = one.lease("00").unwrap();
    assert_eq!(one.has_other_leases("00").unwrap(), Some(false));
    assert_eq!(other.has_other_leases("01").unwrap(), Some(true));
    let theirs = other.lease("01").unwrap();
    assert_eq!(one.has_other_leases("00").unwrap(), Some(true));
    drop((own, theirs));
}
