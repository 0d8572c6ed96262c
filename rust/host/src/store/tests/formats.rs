use engine::history::{FixtureEntry, MAX_SECONDS, MAX_TIMESTAMP};
use proptest::collection::hash_map;
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::store::error::Fault;
use crate::store::{Format, Loaded, parse};

fn written(timings: &Timings, format: Format) -> String {
    let mut out = Vec::new();
    format.write(timings, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn parsed(content: &str) -> Loaded {
    parse(content.as_bytes()).unwrap()
}

fn fault(content: &str) -> (usize, usize, String) {
    match parse(content.as_bytes()).unwrap_err() {
        Fault::Syntax { line, column, cause } => (line, column, cause),
        Fault::Newer { .. } => panic!("this is no newer schema"),
    }
}

#[test]
fn json_holds_every_field() {
    let mut timings = timings([("a.py::t", entry(1.25))]);
    timings.record_fixture("db", 2.0, 5.0).unwrap();
    assert_eq!(
        written(&timings, Format::Json),
        concat!(
            r#"{"schema":1,"tests":{"a.py::t":{"duration":1.25,"setup":0.5,"status":"failed","runs":3,"#,
            r#""timestamp":1767225600.123456,"worker":"gw1"}},"#,
            r#""fixtures":{"db":{"duration":2.0,"runs":1,"timestamp":5.0}}}"#,
            "\n"
        )
    );
}

#[test]
fn csv_holds_the_named_columns() {
    let timings = timings([("a.py::t[x,y]", entry(1.25)), ("b.py::t", Entry::undated(2.0))]);
    let csv = written(&timings, Format::Csv);
    assert_eq!(
        csv,
        "test_id,duration_seconds,setup_seconds,status,runs,timestamp,worker\n\
         \"a.py::t[x,y]\",1.25,0.5,failed,3,2026-01-01T00:00:00.123456Z,gw1\n\
         b.py::t,2,0,passed,1,,\n"
    );
    assert_eq!(parsed(&csv).timings, timings);
}

#[test]
fn two_columns_make_a_csv() {
    let loaded = parsed("\u{feff}duration_seconds, test_id\r\n1.5,a.py::t\r\n,b.py::t\r\nnan,c.py::t\r\n");
    assert_eq!((loaded.timings.estimate("a.py::t"), loaded.refused), (Some(1.5), 2));
}

#[test]
fn pytest_split_file_is_undated() {
    let loaded = parsed(r#"{"a.py::t": 1.5, "b.py::t": 2}"#);
    assert_eq!(loaded.timings, timings([("a.py::t", Entry::undated(1.5)), ("b.py::t", Entry::undated(2.0))]));
}

#[test]
fn fields_without_a_schema_are_read() {
    let loaded = parsed(r#"{"a.py::t": {"duration": 1.5, "note": [1], "timestamp": null}}"#);
    assert_eq!(loaded.timings, timings([("a.py::t", Entry::undated(1.5))]));
}

#[test]
fn damaged_value_spoils_only_itself() {
    let loaded = parsed(
        r#"{"schema": 1, "later": 7, "tests": {"a": {"duration": -1}, "b": null, "c": {"duration": "1"}, "d": [],
            "e": {"duration": 1e300}, "f": {"duration": 1, "status": "not_run"}, "g": {"duration": 1, "setup": {}},
            "h": {"duration": 1, "timestamp": 1e12}, "i": {"duration": 1}, "j": 2},
            "fixtures": {"x": 1, "y": {"duration": 1, "runs": 2}}}"#,
    );
    assert_eq!((loaded.timings.len(), loaded.refused), (2, 9));
    assert_eq!(loaded.timings.fixtures(), [("y", &FixtureEntry { duration: 1.0, runs: 2, timestamp: None })]);
}

#[test]
fn junit_file_of_pytest_is_read() {
    let loaded = parsed(
        r#"<?xml version="1.0" encoding="utf-8"?>
        <testsuites name="pytest tests"><testsuite name="pytest" timestamp="2026-01-01T01:00:00.25+01:00">
        <properties><property name="a" value="b"/></properties>
        <testcase classname="tests.test_a.TestB" name="test_c[&lt;x&gt;]" time="1.5"/>
        <testcase classname="tests.test_a" name="test_d" file="tests/test_a.py" line="3" time="0.25"><failure message="m">text</failure></testcase>
        <testcase classname="tests.test_a" name="test_d" file="tests/test_a.py" time="0.50"><error message="m"/></testcase>
        <testcase classname="tests.test_a" name="test_e" time="0.1"><skipped type="pytest.xfail" message=""/></testcase>
        <testcase classname="tests.test_a" name="test_f" time="soon"/>
        </testsuite></testsuites>"#,
    );
    let known = |id: &str| loaded.timings.get(id).map(|entry| (entry.duration, entry.status, entry.timestamp));
    let at = Some(1_767_225_600.25);
    assert_eq!(known("tests.test_a.TestB.test_c[<x>]"), Some((1.5, Verdict::Passed, at)));
    assert_eq!(known("tests/test_a.py::test_d"), Some((0.75, Verdict::Error, at)));
    assert_eq!(known("tests.test_a.test_e"), Some((0.1, Verdict::Xfailed, at)));
    assert_eq!((loaded.timings.len(), loaded.refused), (3, 1));
}

#[test]
fn fault_has_line_and_column() {
    assert_eq!(fault("{\"a\": 1,\n \"b\" 2}"), (2, 6, "expected `:`".to_owned()));
    let (line, _, cause) = fault("<testsuites>\n<testsuite>\n</testsuites>");
    assert!(line == 3 && cause.contains("testsuite"), "{line}: {cause}");
    assert_eq!(fault("<html>\n</html>").2, "this XML is no JUnit file: it does not begin with `testsuites`");
    assert_eq!(fault("<testsuites>").2, "the file ends in the middle");
    assert_eq!(fault(" \n").2, "it is empty");
    assert!(fault("one,two\n1,2").2.starts_with("expected JSON, JUnit XML, or CSV"));
}

#[test]
fn newer_schema_is_refused_whatever_follows() {
    for content in [r#"{"schema": 2, "tests": [1]}"#, r#"{"schema": 2}"#, r#"{"schema": 2, oops"#] {
        assert_eq!(parse(content.as_bytes()).unwrap_err(), Fault::Newer { schema: 2, known: 1 });
    }
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let verdict = proptest::sample::select(vec![Verdict::Passed, Verdict::Skipped, Verdict::Crashed]);
    let stamp = option::of(0.0..=MAX_TIMESTAMP);
    let worker = option::of("gw[0-9]{1,3}");
    (0.0..=MAX_SECONDS, 0.0..10.0_f64, verdict, 0..1_u64 << 53, stamp, worker, any::<bool>()).prop_map(
        |(duration, setup, status, runs, timestamp, worker, provisional)| Entry {
            duration,
            setup,
            status,
            runs,
            timestamp,
            worker: worker.map(Into::into),
            provisional,
        },
    )
}

fn any_timings() -> impl Strategy<Value = Timings> {
    let fixture = (0.0..=MAX_SECONDS, 0..1_u64 << 53, option::of(0.0..=MAX_TIMESTAMP))
        .prop_map(|(duration, runs, timestamp)| FixtureEntry { duration, runs, timestamp });
    let entries = hash_map("\\PC{1,20}", any_entry(), 0..8);
    (entries, hash_map("\\PC*", fixture, 0..4)).prop_map(|(entries, fixtures)| {
        let mut timings = Timings::default();
        for (nodeid, entry) in entries {
            timings.insert(nodeid, entry).unwrap();
        }
        for (key, fixture) in fixtures {
            timings.insert_fixture(key, fixture).unwrap();
        }
        timings
    })
}

proptest! {
    #[test]
    fn json_is_read_as_written(timings in any_timings()) {
        let loaded = parsed(&written(&timings, Format::Json));
        prop_assert_eq!((loaded.timings, loaded.refused), (timings, 0));
    }

    #[test]
    fn csv_keeps_every_number(entry in any_entry()) {
        let entry = Entry { provisional: false, ..entry };
        let mut timings = Timings::default();
        timings.insert("tests/a.py::t[\"1\",\n]".to_owned(), entry).unwrap();
        prop_assert_eq!(parsed(&written(&timings, Format::Csv)).timings, timings);
    }

    #[test]
    fn any_bytes_are_read_or_refused(content in any::<Vec<u8>>()) {
        let _ = parse(&content);
    }

    #[test]
    fn any_cut_of_a_file_is_read_or_refused(timings in any_timings(), cut in 0.0..1.0_f64) {
        let whole = written(&timings, Format::Json);
        let _ = parse(&whole.as_bytes()[..(whole.len() as f64 * cut) as usize]);
    }

    #[test]
    fn any_xml_like_text_is_read_or_refused(parts in proptest::collection::vec(proptest::sample::select(vec![
        "<testsuites>", "<testsuite timestamp='x'>", "<testcase name='a' time='1'>", "</testcase>", "<testcase/>",
        "&amp;", "<![CDATA[", "]]>", "<!--", "</testsuite>", "<skipped type='&bad;'/>", "<?xml", "</testsuites>", "'",
    ]), 0..12)) {
        let _ = parse(parts.concat().as_bytes());
    }
}

/// `cargo test --release -p pytest-concurrent-host -- --ignored --nocapture million`
#[test]
#[ignore = "a measurement; its bound holds in a release build only"]
#[expect(clippy::print_stdout, reason = "the figure is what the test is run for")]
fn million_tests_are_read_within_a_second() {
    let mut timings = Timings::with_capacity(1_000_000);
    for n in 0..1_000_000_u32 {
        let nodeid = format!("tests/package_{}/test_module_{}.py::TestClass::test_{n}[case]", n % 40, n % 9973);
        timings.insert(nodeid, entry(f64::from(n) / 1e4)).unwrap();
    }
    let content = written(&timings, Format::Json);
    let start = std::time::Instant::now();
    let loaded = parsed(&content);
    let took = start.elapsed();
    let nodeids: Vec<String> = loaded.timings.tests().iter().step_by(100).map(|(id, _)| (*id).to_owned()).collect();
    let start = std::time::Instant::now();
    let known = nodeids.iter().filter_map(|id| loaded.timings.estimate(id)).count();
    println!("{} MB in {took:?}; {known} estimates in {:?}", content.len() / 1_000_000, start.elapsed());
    assert_eq!(loaded.timings.len(), 1_000_000);
    assert!(took.as_secs_f64() < 1.0);
}
