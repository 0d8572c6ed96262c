from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from pytest_concurrent import timing_utils
from pytest_concurrent._engine import History
from pytest_concurrent.controller.sequential import Stopwatch

NODEID = "test_a.py::test_x"
Outcome = Literal["passed", "failed", "skipped"]
Phase = tuple[str, Outcome, float]
Tell = Callable[..., "dict[str, timing_utils.Timing]"]


def report(when: Any, outcome: Outcome, duration: float, **more: Any) -> pytest.TestReport:
    report = pytest.TestReport(
        NODEID, ("test_a.py", 0, "test_x"), {}, outcome, None, when, duration=duration
    )
    vars(report).update(more)
    return report


@pytest.fixture
def tell(tmp_path: Path) -> Tell:
    """Tells a stopwatch of reports and gives what it noted."""

    def told(*reports: pytest.TestReport) -> dict[str, timing_utils.Timing]:
        history = History()
        stopwatch = Stopwatch(history)
        for one in reports:
            stopwatch.pytest_runtest_logreport(one)
        history.export(tmp_path / "timings.json")
        return timing_utils.load_timings(tmp_path / "timings.json")

    return told


def test_all_phases_count(tell: Tell) -> None:
    noted = tell(
        report("setup", "passed", 0.25),
        report("call", "passed", 1.0),
        report("teardown", "passed", 0.5),
    )[NODEID]
    assert (noted["duration"], noted["setup"], noted["status"]) == (1.75, 0.25, "passed")


@pytest.mark.parametrize(
    ("setup", "call", "teardown", "status"),
    [
        ("passed", "failed", "passed", "failed"),
        ("passed", "skipped", "passed", "skipped"),
        ("failed", None, "passed", "error"),
        ("passed", "passed", "failed", "error"),
        ("passed", "failed", "failed", "failed"),
    ],
)
def test_the_worst_phase_is_the_status(
    tell: Tell, setup: Outcome, call: Outcome | None, teardown: Outcome, status: str
) -> None:
    phases = [("setup", setup), ("call", call), ("teardown", teardown)]
    reports = [report(when, outcome, 1.0) for when, outcome in phases if outcome is not None]
    assert tell(*reports)[NODEID]["status"] == status


@pytest.mark.parametrize(("outcome", "status"), [("skipped", "xfailed"), ("passed", "xpassed")])
def test_an_expected_failure_is_told_apart(tell: Tell, outcome: Outcome, status: str) -> None:
    noted = tell(
        report("setup", "passed", 0.1),
        report("call", outcome, 0.1, wasxfail="known"),
        report("teardown", "passed", 0.1),
    )
    assert noted[NODEID]["status"] == status


def test_a_second_attempt_replaces_the_first(tell: Tell) -> None:
    noted = tell(
        report("setup", "passed", 5.0),
        report("call", "failed", 5.0),
        report("setup", "passed", 0.25),
        report("call", "passed", 0.5),
        report("teardown", "passed", 0.25),
    )[NODEID]
    assert (noted["duration"], noted["status"], noted["runs"]) == (1.0, "passed", 1)


def test_reports_of_other_kinds_are_ignored(tell: Tell) -> None:
    class Subtest(pytest.TestReport):
        pass

    subtest = Subtest(NODEID, ("test_a.py", 0, "test_x"), {}, "failed", None, "call", duration=9.0)
    noted = tell(
        report("setup", "passed", 0.25),
        subtest,
        report("call", "passed", 0.5),
        report("teardown", "passed", 0.25),
    )[NODEID]
    assert (noted["duration"], noted["status"]) == (1.0, "passed")


@pytest.mark.parametrize("duration", [float("nan"), float("inf"), -1.0])
def test_what_is_no_timing_is_left_out(tell: Tell, duration: float) -> None:
    noted = tell(
        report("setup", "passed", 0.0),
        report("call", "passed", duration),
        report("teardown", "passed", 0.0),
    )
    assert noted == {}
