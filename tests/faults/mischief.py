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
        name="forked_child_returns_from_the_test",
        suite="def test_forks(): os.fork()",
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
