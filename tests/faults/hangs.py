"""Something takes too long."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

from .fault import ZYGOTE, Fault

#: Why rows about the worker's limit are about forked workers.
_SLOW_START = (
    "a spawned worker may take longer than this limit to start; the rows for those are "
    "exit_handler_hangs_in_a_spawned_worker and worker_hangs_while_it_collects"
)

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


#: What several tests share has the worker's limit, and the time for it is not the tests'.
_WORKER_TIMEOUT = r"Timeout: passed the worker's limit of [26] s \(--worker-timeout.*\) during "


def _shared_hang(
    name: str, scope: str, suite: str, part: str, *texts: str, limit: int = 2
) -> Fault:
    """The first to share it hangs, the others go on with a fresh worker."""
    return Fault(
        name=name,
        suite=_HANG_ONCE + dedent(suite),
        expected={"test_hangs": "timeout", "test_after": "passed"},
        options=(f"--worker-timeout={limit}", "--concurrent-group=file"),
        fork_only=_SLOW_START,
        texts=(
            rf"{_WORKER_TIMEOUT}{part} of {scope} fixture 'slow', on worker gw\d",
            "in hang_once",
            *texts,
        ),
    )


_HANG_ONCE = """
def hang_once():
    if (HERE / "hung").exists(): return
    (HERE / "hung").touch()
    print("said before it hung")
    time.sleep(60)
"""

_SHARED_HANGS = (
    _shared_hang(
        "hangs_in_a_session_fixture",
        "session",
        """
            @pytest.fixture(scope="session")
            def slow(): hang_once()
            def test_hangs(slow): pass
            def test_after(slow): pass
        """,
        "set-up",
        "said before it hung",
        r"SLOW gw\d in set-up of session fixture 'slow' for [45]\.\ds, limit 6\.0s",
        limit=6,
    ),
    _shared_hang(
        "hangs_in_a_module_fixture_of_a_fixture",
        "module",
        """
            @pytest.fixture(scope="module")
            def slow(): hang_once()
            @pytest.fixture
            def own(slow): return slow
            def test_hangs(own): pass
            def test_after(own): pass
        """,
        "set-up",
    ),
    _shared_hang(
        "hangs_in_a_class_fixture_asked_for_in_call",
        "class",
        """
            class TestAll:
                @pytest.fixture(scope="class")
                def slow(self): hang_once()
                def test_hangs(self, request): request.getfixturevalue("slow")
                def test_after(self, slow): pass
        """,
        "set-up",
    ),
    _shared_hang(
        "hangs_in_teardown_of_a_class_fixture",
        "class",
        """
            class TestOne:
                @pytest.fixture(scope="class")
                def slow(self):
                    yield
                    hang_once()
                def test_hangs(self, slow): pass
            def test_after(): pass
        """,
        "teardown",
    ),
    Fault(
        # Each takes longer than a test may, and together they take longer than a worker may.
        name="slow_shared_fixtures_are_not_a_tests",
        suite="""
            @pytest.fixture(scope="session")
            def first():
                time.sleep(1.3)
                yield
                time.sleep(1.3)
            @pytest.fixture(scope="module")
            def second(request):
                time.sleep(1.3)
                request.getfixturevalue("first")
                yield
                time.sleep(1.3)
            def test_slow(second): time.sleep(0.1)
        """,
        expected={"test_slow": "passed"},
        exit=0,
        options=("--test-timeout=1", "--worker-timeout=2.5"),
        fork_only=_SLOW_START,
    ),
    Fault(
        name="hangs_after_a_slow_shared_fixture",
        suite="""
            @pytest.fixture(scope="module")
            def slow(): time.sleep(1.5)
            def test_hangs(slow): time.sleep(60)
            def test_after(slow): pass
        """,
        expected={"test_hangs": "timeout", "test_after": "passed"},
        options=("--test-timeout=1", "--worker-timeout=10"),
        texts=(_TIMEOUT + " during call", "in test_hangs"),
    ),
)

HANGS: tuple[Fault, ...] = (
    *_SHARED_HANGS,
    _hang("hangs_in_python", "while True: pass", workers=(1, 2, 8), spawned=(1, 2, 8)),
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
        fork_only="ignores_sigterm shows the same on spawned workers",
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
        name="a_thread_never_ends",
        suite="def test_starts(): threading.Thread(target=time.sleep, args=(60,)).start()",
        expected={"test_starts": "passed"},
        options=("--worker-timeout=2",),
        errors=1,
        texts=(r"worker gw\d hung: it passed the worker's limit of 2 s .* while it tore down",),
        fork_only=_SLOW_START,
    ),
    Fault(
        name="exit_handler_hangs_in_a_spawned_worker",
        suite="def test_starts(): atexit.register(time.sleep, 600)",
        expected={"test_starts": "passed"},
        options=("--worker-timeout=8",),
        errors=1,
        texts=(r"worker gw\d hung: it passed the worker's limit of 8 s .* while it tore down",),
        workers=(),
        spawned=(1,),
    ),
    Fault(
        name="exit_handler_hangs",
        suite="def test_starts(): atexit.register(time.sleep, 60)",
        expected={"test_starts": "passed"},
        options=("--worker-timeout=2",),
        errors=1,
        texts=(r"worker gw\d hung: it passed the worker's limit of 2 s .* while it tore down",),
        fork_only=_SLOW_START,
    ),
    Fault(
        name="zygote_hangs_in_a_fork_handler",
        suite="def test_one(): pass",
        conftest="""
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
        fork_only=ZYGOTE,
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
        texts=(_WORKER_TIMEOUT + "teardown of session fixture 'slow'", "in slow"),
        workers=(1,),
        fork_only=_SLOW_START,
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
        fork_only=_SLOW_START,
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
