use super::*;
use crate::marker::Use;

const RUN: &str = "0123456789abcdef";

fn folders() -> (tempfile::TempDir, SqliteFolder) {
    let folder = tempfile::tempdir().unwrap();
    let text = serde_json::json!({
        "vendor": "sqlite", "templates": folder.path().join("t"), "clones": folder.path().join("c"),
    });
    let server = SqliteFolder::new(&serde_json::from_value(text).unwrap()).unwrap();
    (folder, server)
}

fn mark(kind: Use) -> impl Fn(&str) -> Marker {
    move |id| Marker::new(kind, "shop", RUN, "key", id, 5)
}

fn template(server: &SqliteFolder, content: &[u8]) -> DatabaseName {
    let name = names::template_name("shop", 1);
    server.create(&name).unwrap();
    server.mark(&name, &mark(Use::Build)).unwrap();
    fs::write(server.path(&name), content).unwrap();
    server.seal(&name, &mark(Use::Template)).unwrap();
    name
}

#[test]
fn a_clone_holds_what_the_template_holds_and_is_proven_ours() {
    let (_folder, server) = folders();
    let template = template(&server, b"pages");
    let clone = names::clone_name("shop", RUN, 2);
    let made = server.clone_template(&template, &clone, &mark(Use::Clone)).unwrap();
    assert_eq!(fs::read(made.path.unwrap()).unwrap(), b"pages");
    assert_eq!(server.list().unwrap().len(), 2);
    for found in server.list().unwrap() {
        server.drop_database(&found.prove().unwrap()).unwrap();
    }
    assert!(server.list().unwrap().is_empty());
}

#[test]
fn a_restored_clone_has_no_log_of_before() {
    let (_folder, server) = folders();
    let template = template(&server, b"pages");
    let clone = names::clone_name("shop", RUN, 2);
    let path = server.clone_template(&template, &clone, &mark(Use::Clone)).unwrap().path.unwrap();
    let log = path.with_extension("sqlite3-wal");
    fs::write(&log, "old").unwrap();
    fs::write(&path, "changed").unwrap();
    assert_eq!(server.restore(&template, &clone).unwrap(), Restored::InPlace);
    assert_eq!(fs::read(&path).unwrap(), b"pages");
    assert!(!log.exists());
}

#[test]
fn a_build_with_an_open_connection_is_not_sealed() {
    let (_folder, server) = folders();
    let name = names::template_name("shop", 1);
    server.create(&name).unwrap();
    fs::write(server.path(&name).with_extension("sqlite3-wal"), "rows").unwrap();
    assert!(matches!(server.seal(&name, &mark(Use::Template)), Err(DatabaseError::Busy(..))));
    assert_eq!(server.look(&name).unwrap().unwrap().marker, None);
}

#[test]
fn a_link_is_no_database() {
    let (folder, server) = folders();
    let name = names::template_name("shop", 1);
    fs::write(folder.path().join("theirs"), "rows").unwrap();
    std::os::unix::fs::symlink(folder.path().join("theirs"), server.path(&name)).unwrap();
    assert_eq!(server.look(&name).unwrap(), None);
    assert!(server.list().unwrap().is_empty());
    assert!(server.clone_template(&name, &names::clone_name("shop", RUN, 2), &mark(Use::Clone)).is_err());
}

#[test]
fn foreign_files_are_not_listed() {
    let (folder, server) = folders();
    for name in ["db.sqlite3", "test_shop.sqlite3", "test_shop_gw0.sqlite3", "notes.txt"] {
        fs::write(folder.path().join("t").join(name), "rows").unwrap();
    }
    assert!(server.list().unwrap().is_empty());
}

#[test]
fn a_portable_file_gives_the_same_template_and_a_damaged_one_none() {
    let (folder, server) = folders();
    let name = template(&server, b"pages");
    let file = folder.path().join("portable");
    server.dump(&name, &file).unwrap();
    let loaded = names::template_name("shop", 3);
    server.create(&loaded).unwrap();
    server.load(&loaded, &file).unwrap();
    assert_eq!(fs::read(server.path(&loaded)).unwrap(), b"pages");
    let whole = fs::read(&file).unwrap();
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for damaged in [&whole[..whole.len() - 1], &flipped, &[&whole[..], b"x"].concat(), b"", b"{}\n"] {
        fs::write(&file, damaged).unwrap();
        assert!(matches!(server.load(&loaded, &file), Err(DatabaseError::Unsupported(_))), "{damaged:?}");
    }
    assert_eq!(fs::read(server.path(&loaded)).unwrap(), b"pages");
}

#[test]
fn a_lease_is_seen_by_others_until_it_is_let_go() {
    let (_folder, server) = folders();
    assert!(!server.is_leased(RUN).unwrap());
    let mut lease = server.lease(RUN).unwrap();
    assert!(lease.is_held());
    assert!(server.is_leased(RUN).unwrap());
    assert!(!server.is_leased("fedcba9876543210").unwrap());
    drop(lease);
    assert!(!server.is_leased(RUN).unwrap());
    assert!(server.is_leased("../escape").is_err());
}

#[test]
fn a_lock_has_one_holder() {
    let (_folder, server) = folders();
    let held = server.lock("key/../x", Duration::ZERO).unwrap().unwrap();
    assert!(server.lock("key/../x", Duration::from_millis(60)).unwrap().is_none());
    assert!(server.lock("other", Duration::ZERO).unwrap().is_some());
    drop(held);
    assert!(server.lock("key/../x", Duration::ZERO).unwrap().is_some());
}

#[test]
fn folders_and_files_are_for_this_user_alone() {
    let (folder, server) = folders();
    let name = template(&server, b"pages");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder.path().join("t")), 0o700);
    assert_eq!(mode(&server.path(&name)), 0o600);
    assert_eq!(mode(&server.path(&name).with_extension("json")), 0o600);
}

#[test]
fn who_only_looks_leaves_no_folder_of_clones() {
    let (folder, server) = folders();
    assert!(server.facts().unwrap().may_create);
    assert!(server.list().unwrap().is_empty());
    assert!(!folder.path().join("c").exists());
}
