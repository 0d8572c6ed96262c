use super::*;
use crate::store::{self, History};

const A: &str = "tests/test_a.py::test_a";
const B: &str = "tests/test_b.py::test_b";

#[test]
fn second_run_knows_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("timings.json");
    let (mut first, aside) = History::open(Some(cache.clone()));
    assert!(aside.is_none() && first.known().is_empty());
    first.record(A, passed(2.0, 10.0)).unwrap();
    first.record_fixture("session:db", 3.0, 10.0).unwrap();
    assert!(first.save().unwrap().is_none());
    let (second, _) = History::open(Some(cache));
    assert_eq!((second.known().estimate(A), second.known().fixture_cost("session:db")), (Some(2.0), Some(3.0)));
}

#[test]
fn runs_at_once_add_to_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("timings.json");
    let mut runs = [10.0, 20.0, 30.0].map(|_| History::open(Some(cache.clone())).0);
    for (n, run) in runs.iter_mut().enumerate() {
        run.record(A, passed(2.0, n as f64)).unwrap();
        run.record(&format!("{B}[{n}]"), passed(1.0, n as f64)).unwrap();
    }
    for run in &runs {
        run.save().unwrap();
    }
    let known = store::read(&cache).unwrap().timings;
    assert_eq!((known.get(A).unwrap().runs, known.len()), (3, 4));
}

#[test]
fn imported_dotted_ids_become_estimates() {
    let folder = tempfile::tempdir().unwrap();
    let import = folder.path().join("durations.csv");
    put(&import, "test_id,duration_seconds\ntests.test_a.test_a,4\nx,-1\n");
    let (mut history, _) = History::open(None);
    assert_eq!(history.import(&import).unwrap(), 1);
    history.resolve([A, B]);
    assert_eq!((history.known().estimate(A), history.imported().estimate(A)), (Some(4.0), Some(4.0)));
}

#[test]
fn export_is_this_run_over_the_import() {
    let folder = tempfile::tempdir().unwrap();
    let [cache, import, export] = ["cache.json", "in.json", "out.json"].map(|name| folder.path().join(name));
    store::write(&cache, &timings([("cached only", entry(1.0)), (A, entry(2.0))]), None).unwrap();
    store::write(&import, &timings([("imported", entry(5.0))]), None).unwrap();
    let (mut history, _) = History::open(Some(cache));
    history.import(&import).unwrap();
    history.record(A, passed(12.0, 1_800_000_000.0)).unwrap();
    history.record_fixture("db", 7.0, 1_800_000_000.0).unwrap();
    history.export(&export, None).unwrap();
    let exported = store::read(&export).unwrap().timings;
    assert_eq!((exported.estimate("imported"), exported.estimate(A), exported.len()), (Some(5.0), Some(5.0), 2));
    assert_eq!(exported.fixture_cost("db"), Some(7.0));
}

#[test]
fn imported_average_reaches_the_cache() {
    let folder = tempfile::tempdir().unwrap();
    let [cache, import] = ["cache.json", "in.json"].map(|name| folder.path().join(name));
    put(&import, &format!("{{\"{A}\": 10, \"gone\": 3}}"));
    let (mut history, _) = History::open(Some(cache.clone()));
    history.import(&import).unwrap();
    history.record(A, passed(20.0, 5.0)).unwrap();
    history.save().unwrap();
    let cached = store::read(&cache).unwrap().timings;
    assert_eq!((cached.estimate(A), cached.len()), (Some(13.0), 1));
}

#[test]
fn run_without_news_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("timings.json");
    let (history, _) = History::open(Some(cache.clone()));
    history.save().unwrap();
    assert!(!cache.exists());
}
