use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use super::*;
use crate::store::{self, StoreError};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

#[test]
fn written_file_stands_alone() {
    let place = Place::new();
    let path = place.file("t.json");
    store::write(&path, &timings([("a", entry(1.0))]), None).unwrap();
    assert_eq!(store::read(&path).unwrap().timings, timings([("a", entry(1.0))]));
    assert_eq!(place.names(), ["t.json"]);
    assert_eq!(mode(&path) & 0o113, 0);
}

#[test]
fn suffix_chooses_the_format() {
    let place = Place::new();
    store::write(&place.file("t.CSV"), &timings([("a", entry(1.0))]), None).unwrap();
    assert!(fs::read_to_string(place.file("t.CSV")).unwrap().starts_with("test_id,"));
}

#[test]
fn replaced_file_keeps_its_permissions() {
    let place = Place::new();
    let path = place.file("t.json");
    put(&path, "{}");
    chmod(&path, 0o600);
    store::write(&path, &timings([]), None).unwrap();
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn world_writable_file_is_refused() {
    let place = Place::new();
    let path = place.file("t.json");
    put(&path, "{}");
    chmod(&path, 0o666);
    let read = store::read(&path).unwrap_err();
    let write = store::write(&path, &timings([]), None).unwrap_err();
    assert!(matches!((&read, &write), (StoreError::WorldWritable { .. }, StoreError::WorldWritable { .. })));
    assert!(read.to_string().ends_with(&format!("`chmod o-w {}`", path.display())), "{read}");
}

#[test]
fn link_is_not_written_through() {
    let place = Place::new();
    put(&place.file("real.json"), "{}");
    symlink(place.file("real.json"), place.file("t.json")).unwrap();
    let error = store::write(&place.file("t.json"), &timings([("a", entry(1.0))]), None).unwrap_err();
    assert!(matches!(error, StoreError::Link { .. }), "{error}");
    assert_eq!(fs::read_to_string(place.file("real.json")).unwrap(), "{}");
}

#[test]
fn folder_and_pipe_are_no_files() {
    let place = Place::new();
    let pipe = place.file("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::from_raw_mode(0o600), 0)
        .unwrap();
    for path in [place.folder.path(), &pipe] {
        let error = store::read(path).unwrap_err();
        assert!(matches!(error, StoreError::NotAFile { .. }), "{error}");
    }
}

#[test]
fn named_file_is_never_touched() {
    let place = Place::new();
    let path = place.file("mine.json");
    put(&path, "{\"a\": oops}");
    let error = store::read(&path).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot read the timing file {}, line 1, column 7: expected value", path.display())
    );
    assert!(store::update(&path, |_| ()).is_err());
    assert_eq!((fs::read_to_string(&path).unwrap().as_str(), place.names().len()), ("{\"a\": oops}", 1));
}

#[test]
fn missing_file_is_said_to_be_missing() {
    let place = Place::new();
    for path in [place.file("t.json"), place.file("no/folder/t.json")] {
        assert!(matches!(store::read(&path), Err(StoreError::Missing { .. })));
        assert!(matches!(store::update(&path, |_| ()), Err(StoreError::Missing { .. })));
    }
    assert!(place.names().is_empty());
}

#[test]
fn file_without_a_timing_is_refused() {
    let place = Place::new();
    put(&place.file("package.json"), r#"{"name": "shop", "scripts": {"test": "x"}}"#);
    let error = store::read(&place.file("package.json")).unwrap_err();
    assert!(matches!(error, StoreError::NoTimings { refused: 2, .. }), "{error}");
}

#[test]
fn unreadable_cache_is_set_aside() {
    let place = Place::new();
    let path = place.file("timings.json");
    for content in ["", "{\"schema\": 9}", "{\"schema\": 1, "] {
        put(&path, content);
        let (timings, aside) = store::read_cache(&path);
        let aside = aside.unwrap().to_string();
        assert!(timings.is_empty() && !aside.contains('\n') && aside.ends_with("timings.json.bad)"), "{aside}");
        assert_eq!(place.names(), ["timings.json.bad"]);
        assert_eq!(fs::read_to_string(place.file("timings.json.bad")).unwrap(), content);
    }
}

#[test]
fn missing_cache_is_empty_and_made() {
    let place = Place::new();
    let path = place.file("d/concurrent/timings.json");
    let (known, aside) = store::read_cache(&path);
    assert!(known.is_empty() && aside.is_none());
    store::update_cache(&path, |timings| timings.record("a", passed(1.0, 1.0)).unwrap()).unwrap();
    assert_eq!(store::read(&path).unwrap().timings.len(), 1);
}

#[test]
fn failed_write_leaves_the_old_file() {
    let place = Place::new();
    let path = place.file("t.json");
    store::write(&path, &timings([("a", entry(1.0))]), None).unwrap();
    let failure = crate::store::file::replace(&path, |_| Err(std::io::ErrorKind::StorageFull.into())).unwrap_err();
    assert!(matches!(failure, StoreError::Io { action: "write", .. }), "{failure}");
    assert_eq!(store::read(&path).unwrap().timings.len(), 1);
    assert_eq!(place.names(), ["t.json"]);
}

#[test]
fn writers_at_once_lose_nothing() {
    const WRITERS: u32 = 4;
    const TESTS: u32 = 15;
    let place = Place::new();
    let path = &place.file("timings.json");
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            scope.spawn(move || {
                for n in 0..TESTS {
                    let run = passed(1.0, f64::from(n));
                    let aside = store::update_cache(path, |timings| {
                        timings.record("shared", run.clone()).unwrap();
                        timings.record(&format!("w{writer}::t{n}"), run).unwrap();
                    });
                    assert!(aside.unwrap().is_none());
                }
            });
        }
    });
    let timings = store::read(path).unwrap().timings;
    assert_eq!(timings.len(), (WRITERS * TESTS) as usize + 1);
    assert_eq!(timings.get("shared").unwrap().runs, u64::from(WRITERS * TESTS));
    assert_eq!(place.names(), ["timings.json"]);
}
