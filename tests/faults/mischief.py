"""A test or a plugin does what it should not."""

from __future__ import annotations

from textwrap import dedent

from .blows import ENDLESS
from .fault import Fault

_TESTS = (
    Fault(
        name="forked_child_keeps_pipes",
        suite="""
            def test_forks():
                if os.fork() == 0:
                    time.sleep(300)
                    os._exit(0)
        """,
        expected={"test_forks": "passed"},
        exit=0,
    ),
    Fault(
        name="forked_child_leaves_the_group",
        suite="""
            def test_forks():
                if os.fork() == 0:
                    os.setsid()
                    time.sleep(300)
                    os._exit(0)
            def test_starts():
                subprocess.Popen(["sleep", "300"], start_new_session=True, env={})
        """,
        expected={"test_forks": "passed", "test_starts": "passed"},
        exit=0,
        texts=(r"concurrent: warning: ended 2 processes that tests left behind: .*sleep 300",),
    ),
    Fault(
        name="leaks_children_and_a_daemon",
        suite="""
            def test_leaks():
                for _ in range(20): subprocess.Popen(["sleep", "300"])
                if os.fork() == 0:
                    os.setsid()
                    if os.fork() == 0: time.sleep(300)
                    os._exit(0)
                os.wait()
        """,
        expected={"test_leaks": "passed"},
        exit=0,
        texts=(r"concurrent: warning: ended 1 process that tests left behind: ",),
        workers=(1, 2, 8),
    ),
    Fault(
        name="a_thread_exits_or_raises",
        suite="""
            def test_exits():
                thread = threading.Thread(target=sys.exit, args=(3,))
                thread.start()
                thread.join()
            def test_raises():
                thread = threading.Thread(target=lambda: 1 / 0, daemon=True)
                thread.start()
                thread.join()
            def test_after(): pass
        """,
        expected={"test_exits": "passed", "test_raises": "passed", "test_after": "passed"},
        exit=0,
        texts=("PytestUnhandledThreadExceptionWarning", "ZeroDivisionError"),
        may_trace=True,
    ),
    Fault(
        name="a_test_calls_exit",
        suite="def test_exits(): sys.exit(0)\ndef test_after(): pass",
        expected={"test_exits": "failed", "test_after": "passed"},
        texts=("SystemExit: 0",),
    ),
    Fault(
        name="memory_runs_out",
        suite="""
            def test_allocates():
                resource.setrlimit(resource.RLIMIT_AS, (2**30, resource.RLIM_INFINITY))
                try:
                    bytearray(2**40)
                finally:
                    resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
            def test_after(): pass
        """,
        expected={"test_allocates": "failed", "test_after": "passed"},
        texts=("MemoryError",),
    ),
    Fault(
        name="memory_stays_short",
        suite="""
            def test_allocates():
                used = int(Path("/proc/self/statm").read_text().split()[0]) * 4096
                resource.setrlimit(resource.RLIMIT_AS, (used, used))
                [bytearray(1_000) for _ in iter(int, 1)]
                hold = []
                while True: hold.append(bytearray(100_000))
        """,
        expected={"test_allocates": "failed|crashed"},
        others="passed|crashed|failed|error",
        may_trace=True,
        errors=None,
    ),
    Fault(
        name="changes_what_all_share",
        suite="""
            def test_changes():
                os.umask(0o777)
                os.environ.update(HOME="/nowhere", TMPDIR="/nowhere", PYTHONPATH="/nowhere")
                for number in range(1, signal.NSIG):
                    try: signal.signal(number, signal.SIG_IGN)
                    except (OSError, ValueError): pass
                sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = None
            def test_after(): pass
        """,
        expected={"test_changes": "passed", "test_after": "passed"},
        exit=0,
        workers=(1, 2, 8),
    ),
    Fault(
        name="exceptions_that_cannot_travel",
        suite="""
            class Locked(Exception):
                def __init__(self): super().__init__("locked"); self.lock = threading.Lock()
                def __reduce__(self): raise TypeError("not to be pickled")
            class Incomparable(Exception):
                def __eq__(self, other): raise RuntimeError("not to be compared")
                __hash__ = None
            def test_unpicklable(): raise Locked
            def test_incomparable(): raise Incomparable("incomparable")
            def test_property(record_property): record_property("lock", threading.Lock())
        """,
        expected={
            "test_unpicklable": "failed",
            "test_incomparable": "failed",
            "test_property": "passed",
        },
        texts=("Locked: locked", "Incomparable: incomparable"),
    ),
    Fault(
        name="forked_child_returns_from_the_test",
        suite="""
            def test_forks():
                child = os.fork()
                if child: os.waitpid(child, 0)
        """,
        expected={"test_forks": "passed"},
        exit=0,
    ),
    Fault(
        name="closes_every_descriptor",
        suite="def test_closes(): os.closerange(0, 4096)",
        expected={"test_closes": "crashed"},
        others="passed",
    ),
    Fault(
        name="removes_its_folder",
        suite="""
            def test_removes(tmp_path):
                os.chdir(tmp_path)
                tmp_path.rmdir()
            def test_after(): pass
        """,
        expected={"test_removes": "passed", "test_after": "passed"},
        exit=0,
    ),
    Fault(
        name="clears_the_environment",
        suite="""
            def test_clears(): os.environ.clear()
            def test_after(): pass
        """,
        # pytest itself wants PYTEST_CURRENT_TEST back: an error sequentially, too.
        expected={"test_clears": "passed|error", "test_after": "passed"},
        exit=0,
    ),
    Fault(
        name="prints_100_megabytes",
        suite="def test_prints():\n    for _ in range(100): print('x' * 1_000_000)",
        expected={"test_prints": "passed"},
        exit=0,
        workers=(2,),
        is_slow=True,
    ),
    Fault(
        name="writes_past_the_capture",
        suite="""
            def test_writes(capfd):
                with capfd.disabled():
                    for _ in range(20): os.write(1, b"x" * 1_000_000)
        """,
        expected={"test_writes": "passed"},
        exit=0,
    ),
    Fault(
        name="prints_invalid_utf8",
        suite="""
            def test_prints():
                os.write(1, b"\\xff\\xfe\\x00 and more\\n")
                assert False
        """,
        expected={"test_prints": "failed"},
        texts=("and more",),
    ),
    Fault(
        name="exceptions_that_cannot_be_shown",
        suite="""
            class Bad(Exception):
                def __repr__(self): raise RuntimeError("repr")
                __str__ = __repr__
            def test_unprintable(): raise Bad
            def test_circle():
                one, two = ValueError("one"), ValueError("two")
                one.__cause__, two.__cause__ = two, one
                raise one
            def test_huge(): raise ValueError("y" * 10_000_000)
            def test_surrogate(): raise ValueError("\\ud800")
        """,
        expected={
            "test_unprintable": "failed",
            "test_circle": "failed",
            "test_huge": "failed",
            "test_surrogate": "failed",
        },
        options=("--tb=short",),
    ),
    Fault(
        name="stops_itself",
        suite="def test_hangs(): os.kill(os.getpid(), signal.SIGSTOP)",
        expected={"test_hangs": "timeout"},
        options=("--test-timeout=1",),
        is_slow=True,
        workers=(2,),
    ),
    Fault(
        name="first_failure_stops_the_run",
        suite="""
            def test_fails():
                time.sleep(0.2)
                assert False
            @pytest.mark.parametrize("number", range(8))
            def test_long(number): time.sleep(0.5)
        """,
        expected={
            "test_fails": "failed",
            **{f"test_long[{number}]": "passed|not_run" for number in range(8)},
        },
        others="passed|not_run",
        options=("-x",),
        texts=("stopping after 1 failures",),
        workers=(1, 2, 8),
    ),
)

_PLUGINS = (
    Fault(
        name="a_report_hook_raises",
        suite="def test_quick(): time.sleep(0.2)\n" + dedent(ENDLESS),
        conftest="""
            def pytest_runtest_logreport(report):
                raise RuntimeError("the hook is broken")
        """,
        expected={},
        exit=3,
        is_reported=False,
        may_trace=True,
        texts=("INTERNALERROR>.*the hook is broken",),
    ),
    Fault(
        name="the_protocol_raises",
        suite="def test_one(): pass",
        conftest="""
            def pytest_runtest_protocol(item):
                if item.name == "test_one": raise RuntimeError("the protocol is broken")
        """,
        expected={"test_one": "not_run"},
        others="passed|not_run",
        exit=3,
        is_reported=False,
        may_trace=True,
        texts=("INTERNALERROR>.*the protocol is broken",),
    ),
    Fault(
        name="worker_start_hook_raises",
        suite="def test_one(): pass",
        conftest="""
            def pytest_concurrent_worker_start(config, worker):
                raise RuntimeError("the start is broken")
        """,
        expected={"test_one": "not_run"},
        others="not_run",
        exit=3,
        is_reported=False,
        may_trace=True,
        texts=("INTERNALERROR>.*the start is broken",),
    ),
)

MISCHIEF: tuple[Fault, ...] = (*_TESTS, *_PLUGINS)
