"""Ways in which a run can go wrong, and what must come of each.

A row is a suite, what is done to it from outside, and the verdicts. `test_faults.py` runs every
row and checks besides, for all of them: one verdict for each test in the terminal's totals, in
JUnit and in the events; no process and no file left; and that the next run works.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import dedent
from typing import Any

import pytest

from tests.faults.scene import Blow

_IMPORTS = """\
import atexit, ctypes, functools, os, re, resource, select, signal, socket, subprocess, sys, threading, time
from pathlib import Path
import pytest
HERE = Path(__file__).parent
"""

#: Stands beside each faulty suite: what is well must stay well.
OTHERS = """\
import time
import pytest
@pytest.mark.parametrize("number", range(6))
def test_other(number): time.sleep(0.01)
"""

_OTHER_NAMES = tuple(f"test_other[{number}]" for number in range(6))


@dataclass(frozen=True)
class Fault:
    """One way to go wrong.

    Attributes:
        name: What happens.
        suite: The faulty tests.
        expected: The verdict of each; `passed|not_run` where chance decides.
        exit: Exit status of the run.
        texts: Patterns that the terminal must show.
        options: Command line.
        conftest: A conftest file.
        blows: What falls on the run from outside.
        others: The verdict of the tests that have nothing to do with it.
        errors: Errors that belong to no test's own verdict, as pytest counts them.
        is_reported: Whether the run lives to report.
        may_trace: Whether the terminal may show a traceback as Python prints it.
        workers: How many to try it with.
        is_slow: Whether it takes more than a few seconds.
    """

    name: str
    suite: str
    expected: dict[str, str]
    exit: int = 1
    texts: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    conftest: str = ""
    blows: tuple[Blow, ...] = ()
    others: str = "passed"
    errors: int = 0
    is_reported: bool = True
    may_trace: bool = False
    workers: tuple[int, ...] = (1, 2)
    is_slow: bool = False

    @property
    def source(self) -> str:
        """The faulty test file."""
        return _IMPORTS + dedent(self.suite)

    @property
    def conftest_source(self) -> str:
        """The conftest file."""
        return _IMPORTS + dedent(self.conftest)

    @property
    def verdicts(self) -> dict[str, str]:
        """What is expected of every test."""
        return {**self.expected, **dict.fromkeys(_OTHER_NAMES, self.others)}

    @property
    def marks(self) -> list[Any]:
        """For pytest's parameter."""
        return [pytest.mark.slow] if self.is_slow else []



#: Statements that kill the process which runs them, and the words for it.
_WAYS_TO_DIE = {
    "sigsegv": ("os.kill(os.getpid(), signal.SIGSEGV)", r"died \(SIGSEGV\)"),
    "null_read": ("ctypes.string_at(0)", r"died \(SIGSEGV\)"),
    "sigabrt": ("os.abort()", r"died \(SIGABRT\)"),
    "sigkill": ("os.kill(os.getpid(), signal.SIGKILL)", r"died \(SIGKILL\)"),
    "exit_0": ("os._exit(0)", r"died \(exit status 0\)"),
    "exit_3": ("os._exit(3)", r"died \(exit status 3\)"),
    "stack_overflow": ("overflow()", r"died \(SIGSEGV\)"),
}

#: In one line, so that it fits wherever a row puts it. The stack may not grow, and grows by calls
#: from C, which no version of Python counts so far.
_OVERFLOW = (
    "def overflow(depth=3000): "
    "resource.setrlimit(resource.RLIMIT_STACK, (4096, resource.RLIM_INFINITY)); "
    "sys.setrecursionlimit(100_000); "
    "return re.sub('a', lambda _: overflow(depth - 1), 'a') if depth else ''"
)

_DIE = "os.kill(os.getpid(), signal.SIGKILL)"


def _deaths_in_a_test() -> Iterator[Fault]:
    for name, (statement, text) in _WAYS_TO_DIE.items():
        yield Fault(
            name=f"{name}_in_call",
            suite=f"""
                {_OVERFLOW}
                def test_before(): print("said before")
                def test_dies():
                    print("said by the victim")
                    {statement}
                def test_after(): pass
            """,
            expected={"test_before": "passed", "test_dies": "crashed", "test_after": "passed"},
            texts=(rf"worker gw\d {text} during call of test_fault.py::test_dies", "said by the victim"),
            workers=(1, 2, 8) if name == "sigsegv" else (1, 2),
        )


def _deaths_elsewhere() -> Iterator[Fault]:
    yield Fault(
        name="dies_in_set_up",
        suite=f"""
            @pytest.fixture
            def deadly(): {_DIE}
            def test_dies(deadly): pass
            def test_after(): pass
        """,
        expected={"test_dies": "crashed", "test_after": "passed"},
        texts=("during setup of test_fault.py::test_dies", "SIGKILL comes from outside"),
    )
    yield Fault(
        name="dies_in_teardown",
        suite=f"""
            @pytest.fixture
            def deadly():
                yield
                {_DIE}
            def test_dies(deadly): pass
            def test_after(): pass
        """,
        expected={"test_dies": "crashed", "test_after": "passed"},
        texts=("during teardown of test_fault.py::test_dies",),
    )
    yield Fault(
        name="dies_in_module_fixture",
        suite=f"""
            @pytest.fixture(scope="module")
            def deadly():
                if not (HERE / "died").exists():
                    (HERE / "died").touch()
                    {_DIE}
            def test_first(deadly): pass
            def test_second(deadly): pass
        """,
        expected={"test_first": "crashed", "test_second": "passed"},
        texts=("during setup of test_fault.py::test_first",),
        options=("--concurrent-group=file",),
    )
    yield Fault(
        name="dies_in_session_teardown",
        suite="def test_last(): pass",
        conftest=f"""
            @pytest.fixture(scope="session")
            def deadly():
                yield
                {_DIE}
            def pytest_collection_modifyitems(items):
                items.sort(key=lambda item: item.name == "test_last")
                items[-1].fixturenames.append("deadly")
        """,
        expected={"test_last": "passed|crashed"},
        texts=(r"died \(SIGKILL\)",),
    )
    yield Fault(
        name="dies_in_exit_handler",
        suite="def test_last(): atexit.register(os._exit, 5)",
        expected={"test_last": "passed"},
        errors=1,
        texts=(r"worker gw\d died \(exit status 5\) while it tore down and left",),
    )
    yield Fault(
        name="dies_at_worker_start_once",
        suite="def test_one(): pass",
        conftest=f"""
            def pytest_concurrent_worker_start(config, worker):
                try:
                    (HERE / "died").touch(exist_ok=False)
                except FileExistsError:
                    return
                {_DIE}
        """,
        expected={"test_one": "passed"},
        errors=1,
        texts=(r"worker gw\d died \(SIGKILL\) before its first test",),
    )
    yield Fault(
        name="dies_with_a_big_report",
        suite=f"""
            def test_prints():
                print("x" * 50_000_000)
                assert False
            def test_dies(): {_DIE}
        """,
        expected={"test_prints": "failed", "test_dies": "crashed"},
        options=("--show-capture=no",),
    )
    yield Fault(
        name="dies_while_printing",
        suite=f"""
            def test_prints():
                print("x" * 50_000_000 + " the end")
                sys.stdout.flush()
                {_DIE}
        """,
        expected={"test_prints": "crashed"},
        texts=("xxx the end",),
    )


def _deaths_between_tests() -> Iterator[Fault]:
    yield Fault(
        name="a_thread_kills_later",
        suite=f"""
            def test_starts_thread():
                def kill():
                    time.sleep(0.15)
                    {_DIE}
                threading.Thread(target=kill, daemon=True).start()
            @pytest.mark.parametrize("number", range(20))
            def test_goes_on(number): time.sleep(0.05)
        """,
        expected={
            "test_starts_thread": "passed",
            **{f"test_goes_on[{number}]": "passed|crashed" for number in range(20)},
        },
        others="passed|crashed",
        texts=(r"died \(SIGKILL\)",),
    )
    yield Fault(
        name="dies_while_idle",
        suite=f"""
            @pytest.mark.concurrent_serial
            def test_alone(): time.sleep(1)
            @pytest.mark.concurrent_serial
            def test_starts_thread():
                def kill():
                    time.sleep(0.3)
                    {_DIE}
                threading.Thread(target=kill, daemon=True).start()
        """,
        expected={"test_alone": "passed|crashed", "test_starts_thread": "passed"},
        others="passed|crashed",
        exit=1,
        texts=(r"died \(SIGKILL\)",),
        workers=(),
    )
    yield Fault(
        name="replacements_die_again_and_again",
        suite=f"""
            @pytest.mark.parametrize("number", range(12))
            def test_dies(number): {_DIE}
        """,
        expected={f"test_dies[{number}]": "crashed|not_run" for number in range(12)},
        options=("--concurrent-max-worker-restarts=3",),
        others="passed|not_run",
        texts=("too many workers died", "--concurrent-max-worker-restarts"),
        workers=(1, 2, 8),
    )
    yield Fault(
        name="no_worker_ever_starts",
        suite="def test_one(): pass",
        conftest=f"def pytest_concurrent_worker_start(config, worker): {_DIE}",
        expected={"test_one": "not_run"},
        others="not_run",
        options=("--concurrent-max-worker-restarts=1",),
        errors=2,
        texts=("too many workers died", "before its first test"),
        workers=(1,),
    )


_TIMEOUT = r"Timeout: test_fault.py::test_hangs on worker gw\d passed its limit of 1 s"


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


def _hangs() -> Iterator[Fault]:
    yield _hang("hangs_in_python", "while True: pass", workers=(1, 2, 8))
    yield _hang("hangs_in_sleep", "time.sleep(60)")
    yield _hang("hangs_in_a_socket", "ends = socket.socketpair(); ends[0].recv(1)")
    yield _hang("hangs_in_a_regular_expression", "re.match('(a+)+$', 'a' * 60 + 'b')")
    yield _hang("hangs_in_c_with_the_lock", "ctypes.PyDLL(None).sleep(60)")
    yield _hang(
        "ignores_sigterm",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)",
        workers=(2,),
        is_slow=True,
    )
    yield Fault(
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
    )
    yield Fault(
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
    )
    yield Fault(
        name="own_limit_by_mark",
        suite="""
            @pytest.mark.timeout(1)
            def test_hangs(): time.sleep(60)
            def test_after(): time.sleep(0.1)
        """,
        expected={"test_hangs": "timeout", "test_after": "passed"},
        texts=(_TIMEOUT,),
    )
    yield Fault(
        name="near_its_limit",
        suite="def test_slow(): time.sleep(2.7)",
        expected={"test_slow": "passed"},
        exit=0,
        options=("--test-timeout=3",),
        texts=(r"SLOW test_fault.py::test_slow gw\d running for .*limit 3",),
    )
    yield Fault(
        name="hangs_in_session_teardown",
        suite="""
            @pytest.fixture(scope="session")
            def slow():
                yield
                time.sleep(60)
            def test_last(slow): pass
        """,
        expected={"test_last": "passed"},
        options=("--worker-timeout=2",),
        errors=1,
        texts=(r"worker gw\d .*passed --worker-timeout \(2 s\) while it tore down", "in slow"),
    )
    yield Fault(
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
            "!! Interrupted: the run passed its limit of 3 s",
        ),
    )


def _mischief() -> Iterator[Fault]:
    yield Fault(
        name="forked_child_keeps_pipes",
        suite="""
            def test_forks():
                if os.fork() == 0:
                    time.sleep(300)
                    os._exit(0)
        """,
        expected={"test_forks": "passed"},
        exit=0,
    )
    yield Fault(
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
    )
    yield Fault(
        name="forked_child_returns_from_the_test",
        suite="def test_forks(): os.fork()",
        expected={"test_forks": "passed"},
        exit=0,
    )
    yield Fault(
        name="closes_every_descriptor",
        suite="def test_closes(): os.closerange(0, 4096)",
        expected={"test_closes": "crashed"},
        others="passed",
    )
    yield Fault(
        name="removes_its_folder",
        suite="""
            def test_removes(tmp_path):
                os.chdir(tmp_path)
                tmp_path.rmdir()
            def test_after(): pass
        """,
        expected={"test_removes": "passed", "test_after": "passed"},
        exit=0,
    )
    yield Fault(
        name="clears_the_environment",
        suite="""
            def test_clears(): os.environ.clear()
            def test_after(): pass
        """,
        # pytest itself wants PYTEST_CURRENT_TEST back: an error sequentially, too.
        expected={"test_clears": "passed|error", "test_after": "passed"},
        exit=0,
    )
    yield Fault(
        name="prints_100_megabytes",
        suite="def test_prints():\n    for _ in range(100): print('x' * 1_000_000)",
        expected={"test_prints": "passed"},
        exit=0,
    )
    yield Fault(
        name="writes_past_the_capture",
        suite="""
            def test_writes(capfd):
                with capfd.disabled():
                    for _ in range(20): os.write(1, b"x" * 1_000_000)
        """,
        expected={"test_writes": "passed"},
        exit=0,
    )
    yield Fault(
        name="prints_invalid_utf8",
        suite="""
            def test_prints():
                os.write(1, b"\\xff\\xfe\\x00 and more\\n")
                assert False
        """,
        expected={"test_prints": "failed"},
        texts=("and more",),
    )
    yield Fault(
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
    )
    yield Fault(
        name="stops_itself",
        suite="def test_hangs(): os.kill(os.getpid(), signal.SIGSTOP)",
        expected={"test_hangs": "timeout"},
        options=("--test-timeout=1",),
        is_slow=True,
        workers=(2,),
    )
    yield Fault(
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
    )


_LONG = """
    @pytest.mark.parametrize("number", range(6))
    def test_long(number):
        (HERE / "running").touch()
        time.sleep(1)
"""
_LONG_NAMES = [f"test_long[{number}]" for number in range(6)]

_ENDLESS = """
    @pytest.mark.parametrize("number", range(6))
    def test_long(number):
        (HERE / "running").touch()
        time.sleep(60)
"""

_STUBBORN = """
    @pytest.mark.parametrize("number", range(6))
    def test_long(number):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        (HERE / "running").touch()
        time.sleep(60)
"""


def _blows() -> Iterator[Fault]:
    passed = dict.fromkeys(_LONG_NAMES, "passed")
    some = dict.fromkeys(_LONG_NAMES, "passed|not_run")
    none = dict.fromkeys(_LONG_NAMES, "not_run")
    kill, interrupt, end = signal.SIGKILL, signal.SIGINT, signal.SIGTERM
    yield Fault(
        name="zygote_killed",
        suite=_LONG + f"    def test_dies(): {_DIE}",
        expected={**passed, "test_dies": "crashed"},
        blows=(Blow("running", "zygote", kill),),
        texts=(r"test_fault.py::test_dies",),
    )
    yield Fault(
        name="spare_killed",
        suite=_LONG,
        expected=passed,
        exit=0,
        blows=(Blow("running", "spare", kill),),
    )
    yield Fault(
        name="zygote_and_spare_killed",
        suite=_LONG,
        expected=passed,
        exit=0,
        blows=(Blow("running", "zygote", kill), Blow("running", "zygote", kill)),
    )
    yield Fault(
        name="no_zygote_left_for_replacements",
        suite=f"""
            def test_dies():
                (HERE / "running").touch()
                time.sleep(1)
                {_DIE}
            @pytest.mark.parametrize("number", range(6))
            def test_long(number): time.sleep(1)
        """,
        expected={**dict.fromkeys(_LONG_NAMES, "passed|not_run"), "test_dies": "crashed"},
        others="passed|not_run",
        blows=(Blow("running", "zygote", kill), Blow("running", "zygote", kill)),
        texts=("not run: ",),
        workers=(1,),
    )
    yield Fault(
        name="controller_killed",
        suite=f"""
            @pytest.mark.parametrize("number", range(6))
            def test_long(number):
                subprocess.Popen(["sleep", "300"])
                if os.fork() == 0:
                    time.sleep(300)
                (HERE / "running").touch()
                time.sleep(60)
        """,
        expected={},
        exit=-9,
        is_reported=False,
        blows=(Blow("running", "controller", kill),),
    )
    for name, what, target in (
        ("ctrl_c", interrupt, "group"),
        ("sigterm", end, "controller"),
    ):
        yield Fault(
            name=f"{name}_and_tests_finish",
            suite=_LONG,
            expected=some,
            others="passed|not_run",
            exit=2,
            blows=(Blow("running", target, what),),
            texts=("interrupted, no further test starts", "KeyboardInterrupt"),
        )
    yield Fault(
        name="ctrl_c_twice",
        suite=_ENDLESS,
        expected=none,
        others="passed|not_run",
        exit=2,
        blows=(Blow("running", "group", interrupt), Blow("running", "group", interrupt, 0.5)),
        texts=("interrupted again, ending every worker now",),
    )
    yield Fault(
        name="ctrl_c_and_tests_do_not_finish",
        suite=_ENDLESS,
        expected=none,
        others="passed|not_run",
        exit=2,
        blows=(Blow("running", "group", interrupt),),
        texts=("KeyboardInterrupt",),
        workers=(2,),
        is_slow=True,
    )
    yield Fault(
        name="ctrl_c_and_tests_ignore_it",
        suite=_STUBBORN,
        expected=none,
        others="passed|not_run",
        exit=2,
        blows=(Blow("running", "group", interrupt),),
        workers=(2,),
        is_slow=True,
    )
    yield Fault(
        name="ctrl_z_and_fg",
        suite=_LONG,
        expected=passed,
        exit=0,
        options=("--test-timeout=2", "--timeout=30"),
        blows=(
            Blow("running", "controller", signal.SIGTSTP),
            Blow("running", "controller", signal.SIGCONT, 5.0),
        ),
        workers=(2,),
        is_slow=True,
    )


def _broken_plugins() -> Iterator[Fault]:
    yield Fault(
        name="a_report_hook_raises",
        suite="def test_quick(): time.sleep(0.2)\n" + dedent(_ENDLESS),
        conftest="""
            def pytest_runtest_logreport(report):
                raise RuntimeError("the hook is broken")
        """,
        expected={},
        exit=3,
        is_reported=False,
        may_trace=True,
        texts=("INTERNALERROR>.*the hook is broken",),
    )
    yield Fault(
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
    )
    yield Fault(
        name="worker_start_hook_raises",
        suite="def test_one(): pass",
        conftest="""
            def pytest_concurrent_worker_start(config, worker):
                raise RuntimeError("the start is broken")
        """,
        expected={"test_one": "not_run"},
        others="not_run",
        options=("--concurrent-max-worker-restarts=1",),
        errors=2,
        may_trace=True,
        texts=("the start is broken", "before its first test"),
        workers=(1,),
    )


FAULTS: tuple[Fault, ...] = (
    *_deaths_in_a_test(),
    *_deaths_elsewhere(),
    *_deaths_between_tests(),
    *_hangs(),
    *_mischief(),
    *_blows(),
    *_broken_plugins(),
)
