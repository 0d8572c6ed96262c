"""Gathers what a test reports, and sends it when the test is over."""

from __future__ import annotations

import warnings
from contextlib import suppress
from typing import Any

import pytest

from pytest_concurrent._engine import WorkerLink
from pytest_concurrent.payload import junit, reports
from pytest_concurrent.payload import warnings as packed_warnings
from pytest_concurrent.payload.written import Placed
from pytest_concurrent.worker.fixtures import FixtureClock
from pytest_concurrent.worker.terminal import TerminalStandIn

#: Characters of a failure's text that travel beside the report, for those who do not decode it.
_MESSAGE_LIMIT = 32_768

_CALL, _TEARDOWN = 2, 3


class Sender:
    """The worker's end of reporting: a plugin that hears reports and warnings.

    Args:
        link: The worker's socket.
        config: pytest's configuration.
        clock: Measures what tests share.
        terminal: The stand-in whose text travels with the test; None without a terminal.
    """

    def __init__(
        self,
        link: WorkerLink,
        config: pytest.Config,
        clock: FixtureClock,
        terminal: TerminalStandIn | None,
    ) -> None:
        self._link = link
        self._config = config
        self._clock = clock
        self._terminal = terminal
        self._junit = junit.install(config)
        self._asks_status = _has_foreign_status(config)
        stepwise = config.pluginmanager.hasplugin("stepwiseplugin")
        self._stops_on_failure = bool(config.getvalue("maxfail")) or stepwise
        self._degraded: set[str] = set()
        self._number = -1
        self._item: pytest.Item | None = None
        self._packer: reports.Packer | None = None
        self._begin()

    def _begin(self) -> None:
        self._packer = reports.Packer(self._item) if self._item is not None else None
        self._warnings: list[dict[str, Any]] = []
        self._written: Placed = []
        self._summary = _Summary()
        self._asks = self._asks_status

    def begin(self, number: int, item: pytest.Item) -> None:
        """A test begins."""
        self._number = number
        self._item = item
        self._packer = reports.Packer(item)

    def exclude(self, seconds: float) -> None:
        """So much of the phase that runs now is not the test's: somebody looked at it."""
        self._summary.excluded += seconds

    def shown(self) -> None:
        """The failure reported last was shown in a debugger: that is enough."""
        if self._packer is not None:
            self._packer.mark_shown()

    def abandon(self) -> None:
        """Ctrl-C, `pytest.exit()` or an error of a plugin broke the test off."""
        self._summary.broken_off = True

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Pack a report after all other hooks had their say."""
        packer = self._packer
        if packer is None:
            return
        if self._asks or not reports.is_plain(report):
            # Core's subtests turn a passed test with failed subtests into a failed one here,
            # from a count that only this process has.
            self._asks = True
            self._config.hook.pytest_report_teststatus(report=report, config=self._config)
        self._summary.add(report, self._clock)
        self._gather_written()
        packer.add(report)
        if type(report) is pytest.TestReport:
            self._link.enter(self._number, _CALL if _leads_to_call(report) else _TEARDOWN)

    def pytest_warning_recorded(
        self,
        warning_message: warnings.WarningMessage,
        when: str,
        nodeid: str,
        location: tuple[str, int, str] | None,
    ) -> None:
        """Pack a warning."""
        self._warnings.append(packed_warnings.pack(warning_message, when, nodeid, location))

    def send(self) -> int | None:
        """Send the test; the number of the next one if it is claimed already."""
        summary = self._summary
        told = (
            self._number,
            summary.verdict,
            summary.failures,
            summary.timing(),
            self._clock.take(),
            summary.message,
        )
        payload = self._payload()
        decisive = self._stops_on_failure and summary.failures > 0
        try:
            next_test, degraded = self._link.ended(*told, payload, decisive=decisive)
        except OverflowError:
            payload = (reports.shortened(payload[0]), *payload[1:])
            next_test, degraded = self._link.ended(*told, payload, decisive=decisive)
        self._begin()
        for name in degraded:
            if name not in self._degraded:
                self._degraded.add(name)
                self._warn_degraded(name)
        return next_test

    def _gather_written(self) -> None:
        if self._terminal is not None and (written := self._terminal.take()):
            place = len(self._packer.packed) if self._packer is not None else 0
            self._written += [(place, text) for text in written]

    def send_between_tests(self) -> None:
        """Send what was reported since the last test ended, if that is anything."""
        packer = self._packer
        self._clock.forget()
        self._gather_written()
        if self._warnings or self._written or (packer is not None and packer.packed):
            summary = self._summary
            payload = (self._number, self._payload())
            self._link.between_tests(summary.failures, summary.message, payload)
            self._begin()

    def _payload(self) -> tuple[Any, ...]:
        self._gather_written()
        xml = self._junit.take() if self._junit is not None else []
        packer = self._packer
        told = (packer.packed, packer.shared) if packer is not None else ([], None)
        if self._written or xml or self._warnings:
            return (*told, self._warnings, xml, self._written)
        return told

    def _warn_degraded(self, name: str) -> None:
        what = f"report attribute {name!r}" if name else "a report"
        message = pytest.PytestWarning(
            f"{what} holds a value that cannot leave the worker; its repr was sent instead"
        )
        # With -W error warnings are raised; a test that passes sequentially is not to fail for it.
        with suppress(pytest.PytestWarning):
            self._config.issue_config_time_warning(message, stacklevel=2)


class _Summary:
    """What the engine must know of a test's reports."""

    __slots__ = (
        "_called",
        "_failed",
        "_shared",
        "_skipped",
        "_start",
        "_times",
        "_xfailed",
        "_xpassed",
        "broken_off",
        "excluded",
        "failures",
        "message",
    )

    def __init__(self) -> None:
        self._times = {"setup": 0.0, "call": 0.0, "teardown": 0.0}
        self._shared = 0.0
        self._start = 0.0
        self._failed = ""
        self._skipped = self._xfailed = self._xpassed = self._called = False
        self.broken_off = False
        self.excluded = 0.0
        self.failures = 0
        self.message = ""

    def add(self, report: pytest.TestReport, clock: FixtureClock) -> None:
        when = report.when
        if type(report) is pytest.TestReport and when is not None:
            shared = clock.lap(when)
            self._shared += shared
            # A test that another plugin runs again reports each attempt; the last one counts.
            self._times[when] = max(0.0, report.duration - self.excluded - shared)
            self.excluded = 0.0
            self._called = when != "setup"
            if when == "setup":
                self._start = report.start
                self._failed = ""
                self._skipped = self._xfailed = self._xpassed = False
        if report.outcome != "passed" or hasattr(report, "wasxfail"):
            self._add_unusual(report)

    def _add_unusual(self, report: pytest.TestReport) -> None:
        if hasattr(report, "wasxfail"):
            self._xfailed |= report.outcome == "skipped"
            self._xpassed |= report.outcome == "passed"
        elif report.outcome == "failed":
            self.failures += 1
            # A failed call outweighs an error before or after it.
            if self._failed != "failed":
                self._failed = "failed" if report.when == "call" else "error"
            if not self.message:
                self.message = _text(report)
        elif report.outcome == "skipped":
            self._skipped = True

    @property
    def verdict(self) -> str:
        if self._failed:
            return self._failed
        if self._xfailed:
            return "xfailed"
        if self._xpassed:
            return "xpassed"
        if self.broken_off and not self._called:
            return "not_run"
        return "skipped" if self._skipped else "passed"

    def timing(self) -> tuple[float, float, float, float, float]:
        """Start (unix time), own set-up, call, teardown, what tests share; in seconds."""
        times = self._times
        return (self._start, times["setup"], times["call"], times["teardown"], self._shared)


def _leads_to_call(report: pytest.TestReport) -> bool:
    return report.when == "setup" and report.outcome == "passed"


def _has_foreign_status(config: pytest.Config) -> bool:
    implementations = config.hook.pytest_report_teststatus.get_hookimpls()
    return any(
        not (getattr(one.function, "__module__", None) or "").startswith("_pytest.")
        for one in implementations
    )


def _text(report: pytest.TestReport) -> str:
    try:
        text = report.longreprtext[:_MESSAGE_LIMIT]
        # A lone surrogate is fine in Python and nowhere else.
        return text.encode("utf-8", "replace").decode()
    except Exception as error:  # a representation of the user's own
        return f"<the failure's text cannot be made: {type(error).__name__}>"
