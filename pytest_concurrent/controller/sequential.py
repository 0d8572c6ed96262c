"""Timings of a run without workers."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest

from pytest_concurrent._engine import History


class Stopwatch:
    """Notes how long each test takes when pytest's own loop runs them.

    Args:
        history: Gets the measurements.
    """

    def __init__(self, history: History) -> None:
        self._history = history
        self._seconds: dict[str, float] = {}
        self._outcome = "passed"
        self._with_shared = False

    @property
    def last(self) -> tuple[dict[str, float], str]:
        """Of the test that ran last: seconds by phase, and the verdict."""
        return self._seconds, self._outcome

    @pytest.hookimpl(tryfirst=True)
    def pytest_fixture_setup(self, request: pytest.FixtureRequest) -> None:
        """Note whether the running test does what others share; there is no looking inside."""
        # A class's fixture around a function that is in no class belongs to that alone.
        self._with_shared |= not isinstance(request.node, pytest.Item)

    def pytest_fixture_post_finalizer(self, request: pytest.FixtureRequest) -> None:
        """Note the same of a teardown."""
        self._with_shared |= not isinstance(request.node, pytest.Item)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add a phase of the running test."""
        if type(report) is not pytest.TestReport or report.when is None:
            return
        if report.when == "setup":
            self._seconds.clear()
            self._outcome = "passed"
        self._seconds[report.when] = report.duration
        self._outcome = _worse(self._outcome, _status(report))
        if report.when == "teardown":
            self._record(report.nodeid)

    def _record(self, nodeid: str) -> None:
        # A duration of some plugin's making may be no timing: it says nothing, the next run may.
        with suppress(ValueError):
            self._history.record(
                nodeid,
                self._outcome,
                sum(self._seconds.values()),
                setup=self._seconds.get("setup", 0.0),
                timestamp=time.time(),
                with_shared=self._with_shared,
            )
        self._with_shared = False


def _status(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return "xfailed" if report.outcome == "skipped" else "xpassed"
    if report.outcome == "failed":
        return "failed" if report.when == "call" else "error"
    return report.outcome


def _worse(known: str, new: str) -> str:
    order = ("passed", "skipped", "xfailed", "xpassed", "failed", "error")
    if known == "failed":
        return known
    return max(known, new, key=order.index)
