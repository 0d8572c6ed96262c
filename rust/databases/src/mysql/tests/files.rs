//! Templates in files.

use tempfile::TempDir;

use super::fidelity::{everything, portrait};
use super::{marker, random, running, template};
use crate::error::DatabaseError;
use crate::marker::Use;
use crate::names;
use crate::server::Server;

#[test]
fn a_template_comes_back_from_its_file() {
    let Some(running) = running() else { return };
    let (server, template, folder) = (running.server(), everything(&running), TempDir::new().unwrap());
    let (file, loaded) = (folder.path().join("t"), names::template_name("shop", random()));
    server.dump(&template, &file).unwrap();
    server.create(&loaded).unwrap();
    server.mark(&loaded, &marker(Use::Build)).unwrap();
    server.load(&loaded, &file).unwrap();
    server.seal(&loaded, &marker(Use::Template)).unwrap();
    let (found, wanted) = (portrait(&running, &loaded), portrait(&running, &template));
    for (found, wanted) in found.iter().zip(&wanted) {
        assert_eq!(&found.replace(template.as_str(), "DB"), wanted);
    }
    assert_eq!(found.len(), wanted.len());
    assert!(server.look(&loaded).unwrap().unwrap().prove().is_ok());
}

#[test]
fn rows_on_several_pages_are_all_in_the_file() {
    let Some(running) = running() else { return };
    let template = template(
        &running,
        &[
            "CREATE TABLE many (id INT, part INT, v VARCHAR(90), PRIMARY KEY (part, id))",
            "INSERT INTO many SELECT seq, seq % 3, REPEAT('x', seq % 90) FROM seq_1_to_12000",
        ],
    );
    let (server, folder, loaded) = (running.server(), TempDir::new().unwrap(), names::template_name("shop", random()));
    let file = folder.path().join("t");
    server.dump(&template, &file).unwrap();
    server.create(&loaded).unwrap();
    server.load(&loaded, &file).unwrap();
    assert_eq!(portrait(&running, &loaded), portrait(&running, &template));
}

#[test]
fn a_damaged_file_is_refused_before_anything_is_made() {
    let Some(running) = running() else { return };
    let template = template(&running, &["CREATE TABLE t (v VARCHAR(10))", "INSERT INTO t VALUES ('precious')"]);
    let (server, folder, name) = (running.server(), TempDir::new().unwrap(), names::template_name("shop", random()));
    let file = folder.path().join("t");
    server.dump(&template, &file).unwrap();
    server.create(&name).unwrap();
    let whole = std::fs::read_to_string(&file).unwrap();
    let cut = whole.lines().take(2).collect::<Vec<_>>().join("\n");
    for damaged in [
        whole.replace("precious", "previous"),
        cut,
        String::new(),
        whole.clone() + "x",
        "{\"digest\":\"\"}\n".to_owned(),
    ] {
        std::fs::write(&file, &damaged).unwrap();
        let error = server.load(&name, &file).unwrap_err();
        assert!(matches!(error, DatabaseError::File { .. }), "{error}");
    }
    assert_eq!(server.look(&name).unwrap().unwrap().size, 0);
    std::fs::write(&file, whole.replace("\"vendor\":\"mariadb\"", "\"vendor\":\"mysql\"")).unwrap();
    assert!(server.load(&name, &file).is_err());
}
