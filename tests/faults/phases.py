"""A signal reaches the controller, whatever it does just then."""

from __future__ import annotations

import signal
from collections.abc import Iterator

from .fault import ZYGOTE, Fault
from .scene import Blow

#: Where the controller waits for the blow, and what a conftest file does for that.
_PHASES = {
    "collection": """
def pytest_collection_modifyitems(items): SPAWNED or wait()
""",
    "workers_collect": """
def pytest_collection_modifyitems(items): SPAWNED and wait()
""",
    "the_fork": """
def before():
    if os.getpid() == CONTROLLER: wait()
os.register_at_fork(before=before)
""",
    "workers_start": """
def pytest_concurrent_worker_start(config, worker): wait()
""",
    "workers_leave": """
def pytest_concurrent_worker_finish(config, worker): wait()
""",
    "session_finish": """
def pytest_sessionfinish(session): SPAWNED or wait()
""",
    "the_summary": """
def pytest_terminal_summary(terminalreporter): SPAWNED or wait()
""",
}

_WAIT = """
def wait():
    if (HERE / "again").exists(): return
    (HERE / "there").touch()
    time.sleep({seconds})
    (HERE / "again").touch()
"""


def _rows() -> Iterator[Fault]:
    for phase, conftest in _PHASES.items():
        for number in (signal.SIGKILL, signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
            # Python swallows what a fork handler raises, KeyboardInterrupt too.
            if (phase, number) != ("the_fork", signal.SIGINT):
                yield _row(phase, conftest, number)


def _row(phase: str, conftest: str, number: signal.Signals) -> Fault:
    during_run = phase.startswith("workers")
    polite = during_run and number != signal.SIGKILL
    # When its session is over pytest no longer catches Ctrl-C, and Python ends by it.
    caught = number == signal.SIGINT and phase == "collection"
    return Fault(
        name=f"{number.name.lower()}_at_{phase}",
        suite="def test_one(): pass",
        conftest=_WAIT.format(seconds=1 if polite else 30) + conftest,
        expected={"test_one": "passed|not_run"} if polite else {},
        others="passed|not_run",
        blows=(Blow("there", "controller", number),),
        is_reported=polite,
        workers=() if phase == "workers_collect" else (2,),
        fork_only=ZYGOTE if phase == "the_fork" else "",
        may_trace=True,
        exit=2 if polite or caught else -number,
    )


PHASES: tuple[Fault, ...] = tuple(_rows())
