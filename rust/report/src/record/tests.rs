use super::*;

fn finished() -> Record {
    Record {
        time: 1.25,
        what: What::TestFinished(TestFinished {
            worker: Some("gw0".into()),
            test: "test_a.py::test_one".into(),
            verdict: Verdict::Passed,
            timing: Timing { start: 0.5, setup: 0.25, call: 0.5, teardown: 0.0, shared: 0.0 },
            failures: 0,
            message: None,
            estimate: Some(0.75),
            group: None,
        }),
    }
}

fn died() -> Record {
    let what = What::WorkerDied {
        worker: "gw1".into(),
        death: Death::Signaled(11),
        test: None,
        evidence: Some("Segmentation fault".into()),
        cpu: 2.5,
        peak_memory: 1 << 40,
    };
    Record { time: 2.0, what }
}

#[test]
fn timing_stands_beside_the_verdict() {
    assert_eq!(
        finished().to_line(),
        r#"{"time":1.25,"event":"test_finished","worker":"gw0","test":"test_a.py::test_one","verdict":"passed","start":0.5,"setup":0.25,"call":0.5,"teardown":0.0,"shared":0.0,"failures":0,"estimate":0.75}"#
    );
}

/// One record of each kind.
fn one_of_each() -> Vec<Record> {
    let worker: Arc<str> = "gw0".into();
    let run = RunStarted {
        schema: SCHEMA,
        run_id: "r1".into(),
        started_at: 1_700_000_000.5,
        tests: 2,
        workers: 2,
        workers_reason: "--workers".into(),
        first_workers: Some(2),
        start_method: "fork".into(),
        estimate: Some(41.25),
        bound: None,
        versions: [("python".to_owned(), "3.13.0".to_owned())].into(),
    };
    let slow = What::Notice {
        kind: NoticeKind::TestNearLimit,
        doing: None,
        worker: Some(worker.clone()),
        test: Some("test_a.py::test_one".into()),
        elapsed: 48.0,
        limit: Some(60.0),
    };
    let ending = Ending::RunTimeout;
    let verdicts = [Verdict::Passed, Verdict::NotRun].into_iter().collect();
    let whats = [
        What::RunStarted(run),
        What::WorkerStarted { worker: worker.clone(), pid: 7, attempt: 1 },
        What::WorkerReady { worker: worker.clone() },
        What::TestStarted { worker: worker.clone(), test: "test_a.py::test_one[\u{e9}\n]".into() },
        What::FixtureSetUp { worker: worker.clone(), fixture: "db".into(), seconds: 0.5 },
        What::WorkerFinished { worker: worker.clone(), cpu: 1.5, peak_memory: u64::MAX },
        What::WorkerRecycled { worker: worker.clone(), cause: RecycleCause::Memory, tests: 3, memory: Some(9) },
        What::WorkerRetried { worker: worker.clone(), cause: RetryCause::Start, attempt: 1, delay: 0.5 },
        What::WorkerGivenUp { worker: worker.clone(), cause: RetryCause::Killed, attempts: 4 },
        What::WorkersScaled { workers: 4, cause: ScaleCause::Idle },
        What::ErrorBetweenTests { worker, message: "E   boom".into() },
        slow,
        What::RunFinished { ending, exit_code: Some(8), verdicts },
    ];
    whats.into_iter().map(|what| Record { time: 0.5, what }).chain([finished(), died()]).collect()
}

#[test]
fn each_line_reads_back_as_written() {
    for record in one_of_each() {
        assert_eq!(Record::parse_line(&record.to_line()).unwrap(), record);
    }
}

#[test]
fn each_event_has_its_name() {
    let names: Vec<_> = one_of_each()
        .iter()
        .map(|record| serde_json::to_value(record).unwrap()["event"].as_str().unwrap().to_owned())
        .collect();
    let expected = [
        "run_started",
        "worker_started",
        "worker_ready",
        "test_started",
        "fixture_set_up",
        "worker_finished",
        "worker_recycled",
        "worker_retried",
        "worker_given_up",
        "workers_scaled",
        "error_between_tests",
        "notice",
        "run_finished",
        "test_finished",
        "worker_died",
    ];
    assert_eq!(names, expected);
}

#[test]
fn a_line_never_holds_a_line_end() {
    assert!(one_of_each().iter().all(|record| !record.to_line().contains('\n')));
}

#[test]
fn a_cut_last_line_is_left_out() {
    let whole = format!("{}\n{}\n", finished().to_line(), died().to_line());
    let cut = &whole.as_bytes()[..whole.len() - 5];
    assert_eq!(read(cut).unwrap(), [finished()]);
    assert_eq!(read(whole.as_bytes()).unwrap(), [finished(), died()]);
}

#[test]
fn a_broken_line_is_named() {
    let text = format!("{}\nnonsense\n{}\n", finished().to_line(), died().to_line());
    let error = read(text.as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "line 2 is not an event of pytest-concurrent");
}

#[test]
fn seconds_that_no_run_takes_are_refused() {
    let mut record = finished();
    let What::TestFinished(test) = &mut record.what else { unreachable!() };
    test.timing.call = 1.7e308;
    let stream = format!("{}\n{}\n", died().to_line(), record.to_line());
    assert!(matches!(read(stream.as_bytes()), Err(ReadError::Seconds { line: 2 })));
}

#[test]
fn a_later_schema_is_refused() {
    let line = br#"{"time":0,"event":"run_started","schema":2,"run_id":"r","started_at":0,"tests":0,"workers":1,"workers_reason":"","start_method":"fork","versions":{}}"#;
    let error = read(line).unwrap_err();
    assert_eq!(error.to_string(), "the events have schema 2; this version reads up to 1");
}

#[test]
fn unknown_fields_of_later_writers_are_ignored() {
    let line = r#"{"time":1,"event":"worker_ready","worker":"gw0","colour":"red"}"#;
    let what = What::WorkerReady { worker: "gw0".into() };
    assert_eq!(Record::parse_line(line).unwrap(), Record { time: 1.0, what });
}

#[test]
fn counts_cover_every_verdict() {
    let counts: VerdictCounts =
        [Verdict::Passed, Verdict::Timeout, Verdict::NotRun, Verdict::Crashed].into_iter().collect();
    assert_eq!((counts.total(), counts.started(), counts.bad()), (4, 3, 2));
}
