from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pytest_concurrent.reporting.status import StatusReport
from pytest_concurrent.reporting.terminal import Terminal

STACKS = """\
Thread 0x00007f0000000001 (most recent call first):
  File "/suite/test_a.py", line 15 in test_slow
  File "/site/_pytest/python.py", line 187 in pytest_pyfunc_call
  File "/site/_pytest/runner.py", line 184 in pytest_runtest_call
  File "/site/pluggy/_callers.py", line 121 in _multicall
"""


class Recorder(Terminal):
    """Keeps the lines instead of writing them."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def between_tests(self, line: str, *, word: str = "", **markup: bool) -> None:
        self.lines.append(word + line)


def worker(slot: int, standing: str, **more: Any) -> Any:
    nothing = {"pid": None, "test": None, "elapsed": 0.0, "stacks": "", "native": ""}
    return SimpleNamespace(slot=slot, standing=standing, **{**nothing, **more})


@pytest.fixture
def told() -> Any:
    def tell(*statuses: Any) -> list[str]:
        terminal = Recorder()
        report = StatusReport(
            terminal, ["test_a.py::test_slow", "test_a.py::test_new"], [3.1, None]
        )
        report.tell(statuses)
        return terminal.lines

    return tell


def test_a_running_test_has_age_usual_time_and_stacks(told: Any) -> None:
    lines = told(worker(1, "testing", pid=47, test=0, elapsed=12.3, stacks=STACKS))
    assert lines == [
        "concurrent: 1 test running",
        "gw1 (process 47): test_a.py::test_slow running for 12.3s, usually 3.1s",
        "    Thread 0x00007f0000000001 (most recent call first):",
        '      File "/suite/test_a.py", line 15 in test_slow',
        '      File "/site/_pytest/python.py", line 187 in pytest_pyfunc_call',
    ]


def test_native_frames_follow(told: Any) -> None:
    lines = told(worker(0, "testing", pid=47, test=1, elapsed=1.0, native="Thread 1\n    poll\n"))
    assert lines[1:] == [
        "gw0 (process 47): test_a.py::test_new running for 1.0s",
        "    With native frames (py-spy):",
        "    Thread 1",
        "        poll",
    ]


def test_workers_without_a_test_are_named_too(told: Any) -> None:
    assert told(
        worker(0, "between tests", pid=1), worker(1, "starting", pid=2), worker(2, "vacant")
    ) == [
        "concurrent: 0 tests running",
        "gw0 (process 1): between tests",
        "gw1 (process 2): starting",
        "gw2: no worker",
    ]


def test_a_debugged_test_is_said_to_be(told: Any) -> None:
    lines = told(worker(0, "debugging", pid=1, test=1, elapsed=61.0))
    assert lines[1] == "gw0 (process 1): test_a.py::test_new running for 1:01, in a debugger"
