"""Something takes too long."""

from __future__ import annotations

from typing import Any

from .fault import Fault

_TIMEOUT = r"Timeout: passed its limit of 1 s"


def _hang(name: str, body: str, *texts: str, **more: Any) -> Fault:
    return Fault(
        name=name,
        suite=f"""
            def test_hangs():
                print("said before it hung")
                {body}
            def test_after(): pass
        """,
        expected={"test_hangs": "timeout", "test_after": "passed"},
        options=("--test-timeout=1",),
        texts=(_TIMEOUT, "said before it hung", "in test_hangs", *texts),
        **more,
    )


HANGS: tuple[Fault, ...] = (
    _hang("hangs_in_python", "while True: pass", workers=(1, 2, 8)),
    _hang("hangs_in_sleep", "time.sleep(60)"),
    _hang("hangs_in_a_socket", "ends = socket.socketpair(); ends[0].recv(1)"),
    _hang("hangs_in_a_regular_expression", "re.match('(a+)+$', 'a' * 60 + 'b')"),
    Fault(
        # The signal for the stacks ends this sleep: what the test makes of it no longer counts.
        name="hangs_in_c_with_the_lock",
        suite="""
            def test_hangs(): ctypes.PyDLL(None).sleep(60)
            def test_after(): pass
        """,
        expected={"test_hangs": "timeout", "test_after": "passed"},
        options=("--test-timeout=1",),
        texts=(_TIMEOUT, "in test_hangs"),
    ),
    _hang("hangs_in_a_loop_in_c", "sum(itertools.repeat(1))", workers=(1, 2)),
    _hang(
        "hangs_with_an_alarm_of_its_own",
        "signal.signal(signal.SIGALRM, lambda *_: None); "
        "signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1); [time.sleep(1) for _ in range(60)]",
    ),
    _hang(
        "hangs_in_a_thread_that_it_joins",
        "thread = threading.Thread(target=time.sleep, args=(60,)); thread.start(); thread.join()",
    ),
    _hang(
        "catches_what_should_end_it",
        "signal.signal(signal.SIGTERM, lambda *_: None); "
        "signal.signal(signal.SIGINT, lambda *_: None); [time.sleep(1) for _ in range(60)]",
        workers=(2,),
        is_slow=True,
    ),
    _hang(
        "ignores_sigterm",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)",
        workers=(2,),
        is_slow=True,
    ),
    Fault(
        name="hangs_in_a_session_fixture",
        suite="""
            def test_hangs(slow): pass
            def test_after(): pass
        """,
        conftest="""
            @pytest.fixture(scope="session")
            def slow(): time.sleep(60)
        """,
        expected={"test_hangs": "timeout", "test_after": "passed"},
        options=("--test-timeout=1",),
        texts=(_TIMEOUT + " during setup", "in slow"),
    ),
    Fault(
        name="a_thread_never_ends",
        suite="def test_starts(): threading.Thread(target=time.sleep, args=(60,)).start()",
        expected={"test_starts": "passed"},
        options=("--worker-timeout=2",),
        errors=1,
        texts=(r"worker gw\d hung: it passed the worker's limit of 2 s .* while it tore down",),
    ),
    Fault(
        name="exit_handler_hangs",
        suite="def test_starts(): atexit.register(time.sleep, 60)",
        expected={"test_starts": "passed"},
        options=("--worker-timeout=2",),
        errors=1,
        texts=(r"worker gw\d hung: it passed the worker's limit of 2 s .* while it tore down",),
    ),
    Fault(
        name="zygote_hangs_in_a_fork_handler",
        suite="def test_one(): pass",
        conftest="""
            CONTROLLER = os.getpid()
            forks = []
            def before():
                if os.getppid() != CONTROLLER: return
                forks.append(1)
                if len(forks) == 2 and not (HERE / "hung").exists():
                    (HERE / "hung").touch()
                    time.sleep(60)
            os.register_at_fork(before=before)
        """,
        expected={"test_one": "passed"},
        exit=0,
        options=("--worker-timeout=1",),
        workers=(1, 2, 8),
        is_slow=True,
    ),
    Fault(
        name="hangs_in_teardown",
        suite="""
            @pytest.fixture
            def slow():
                yield
                time.sleep(60)
            def test_hangs(slow): pass
            def test_after(): pass
        """,
        expected={"test_hangs": "timeout", "test_after": "passed"},
        options=("--test-timeout=1",),
        texts=(_TIMEOUT + " during teardown", "in slow"),
    ),
    Fault(
        name="hangs_in_set_up",
        suite="""
            @pytest.fixture
            def slow(): time.sleep(60)
            def test_hangs(slow): pass
            def test_after(): pass
        """,
        expected={"test_hangs": "timeout", "test_after": "passed"},
        options=("--test-timeout=1",),
        texts=(_TIMEOUT + " during setup", "in slow"),
    ),
    Fault(
        name="own_limit_by_mark",
        suite="""
            @pytest.mark.timeout(1)
            def test_hangs(): time.sleep(60)
            def test_after(): time.sleep(0.1)
        """,
        expected={"test_hangs": "timeout", "test_after": "passed"},
        texts=(_TIMEOUT,),
    ),
    Fault(
        name="near_its_limit",
        suite="def test_slow(): time.sleep(2.7)",
        expected={"test_slow": "passed"},
        exit=0,
        options=("--test-timeout=3",),
        texts=(r"SLOW test_fault.py::test_slow gw\d running for .*limit 3",),
    ),
    Fault(
        name="hangs_in_session_teardown",
        suite="def test_last(): pass",
        conftest="""
            @pytest.fixture(scope="session", autouse=True)
            def slow():
                yield
                if not (HERE / "hung").exists():
                    (HERE / "hung").touch()
                    time.sleep(60)
            def pytest_collection_modifyitems(items):
                items.reverse()
        """,
        expected={"test_last": "passed|timeout"},
        others="passed",
        options=("--worker-timeout=2", "--timeout=100"),
        texts=(r"passed the worker's limit of 2 s \(--worker-timeout", "in slow"),
        workers=(1,),
    ),
    Fault(
        name="worker_hangs_at_start",
        suite="def test_one(): pass",
        conftest="""
            def pytest_concurrent_worker_start(config, worker):
                if not (HERE / "hung").exists():
                    (HERE / "hung").touch()
                    time.sleep(60)
        """,
        expected={"test_one": "passed"},
        options=("--worker-timeout=2",),
        errors=1,
        texts=(r"worker gw0 hung: it passed the worker's limit of 2 s .* before its first test",),
        workers=(1,),
    ),
    Fault(
        name="run_passes_its_limit",
        suite="""
            @pytest.mark.parametrize("number", range(10))
            def test_long(number): time.sleep(60)
        """,
        expected={f"test_long[{number}]": "timeout|not_run" for number in range(10)},
        others="passed|not_run",
        exit=8,
        options=("--timeout=3",),
        texts=(
            "passed the limit of the run",
            "not run: the run passed its limit first",
            "! Interrupted: the run passed its limit of 3 s",
        ),
    ),
)
