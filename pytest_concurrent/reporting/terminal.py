"""Lines of ours beside those of pytest's own terminal reporter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from pytest_concurrent.reporting.units import counted, duration

if TYPE_CHECKING:
    from _pytest._io import TerminalWriter
    from _pytest.terminal import TerminalReporter

#: What pytest itself puts into ``currentfspath`` when something other than a path stands in the
#: line: whoever writes next ends the line first.
_LINE_IS_TAKEN = -2


class Terminal:
    """Writes between the lines of pytest's reporter, in its colours.

    Silent where there is no reporter (``-p no:terminal``).

    Args:
        config: The session's configuration. The reporter is looked up at each write, since plugins
            replace it.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    @property
    def verbosity(self) -> int:
        """How talkative pytest is about single tests: 1 for ``-v``, -1 for ``-q``, -2 for ``-qq``.

        Without a reporter there is no ``-v`` either, and nobody to talk to: -2.
        """
        if self._reporter() is None:
            return -2
        return self._config.get_verbosity(pytest.Config.VERBOSITY_TEST_CASES)

    @property
    def names_failures(self) -> bool:
        """Whether the reporter itself says at once which test has failed.

        pytest's own does with ``-v``. One that stands in its place has a way of its own, often with
        lines that it writes anew, and what is written between them would tear those.
        """
        own = (type(self._reporter()).__module__ or "").startswith("_pytest.")
        return self.verbosity > 0 or not own

    def header(self, lines: Iterable[str]) -> None:
        """Write lines before the first test, unless ``-q`` or ``--no-header`` hides headers."""
        reporter = self._reporter()
        if reporter is not None and reporter.showheader and not reporter.no_header:
            for line in lines:
                self.outside_progress(line)

    def warning(self, line: str) -> None:
        """Write one yellow line, however quiet pytest is."""
        self.between_tests(f" {line}", word="concurrent: warning:", yellow=True)

    def section(self, title: str, lines: Iterable[str]) -> None:
        """Write a section of the summary, as in ``pytest_terminal_summary``."""
        reporter = self._reporter()
        if reporter is not None:
            reporter.write_sep("=", title)
            for line in lines:
                reporter.write_line(line)

    def outside_progress(self, line: str, **markup: bool) -> None:
        """Write one line while no progress letters are being written."""
        reporter = self._reporter()
        if reporter is not None:
            reporter.write_line(line, **markup)
            reporter.flush()

    def between_tests(self, line: str, *, word: str = "", **markup: bool) -> None:
        """Write one line amid pytest's progress, which goes on in a line of its own.

        Args:
            line: The text; no line end.
            word: Stands before the text and is the only part with ``markup``.
            markup: As in pytest's ``TerminalWriter.write``.
        """
        reporter = self._reporter()
        if reporter is None:
            return
        writer = self._config.get_terminal_writer()
        if writer.width_of_current_line:
            writer.line()
        writer.write(word, **markup)
        writer.write(" ".join(line.splitlines()))
        _end_line(reporter, writer)
        writer.flush()

    def leave_line(self) -> None:
        """End pytest's line of progress, which then goes on in a line of its own."""
        reporter = self._reporter()
        if reporter is None:
            return
        writer = self._config.get_terminal_writer()
        if writer.width_of_current_line:
            writer.line()
            if reporter.currentfspath is not None:
                reporter.currentfspath = None
            writer.flush()

    def _reporter(self) -> TerminalReporter | None:
        reporter: TerminalReporter | None
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        return reporter


def _end_line(reporter: TerminalReporter, writer: TerminalWriter) -> None:
    # With file names in its progress, pytest starts each new line with a line end, which would
    # leave an empty line below ours. With -q it goes on with letters wherever it stands.
    if reporter.currentfspath is None:
        writer.line()
    else:
        reporter.currentfspath = _LINE_IS_TAKEN


@dataclass(frozen=True)
class Plan:
    """What is known about a run before its first test.

    Attributes:
        workers: Number of slots.
        workers_reason: Why so many, or why so many start; may be empty.
        first: So many start.
        least: No fewer remain where the number moves with the load; ``None`` = it does not.
        start_method: ``fork`` or ``spawn``.
        start_reason: Why not the usual one; may be empty.
        tests: Number of collected tests.
        timed: How many of them have a known duration.
        estimate: Seconds of all tests together; ``None`` when no test is timed.
        bound: Seconds that the run takes at best; ``None`` when no test is timed.
    """

    workers: int
    workers_reason: str
    start_method: str
    tests: int
    timed: int
    estimate: float | None = None
    bound: float | None = None
    start_reason: str = ""
    first: int | None = None
    least: int | None = None


def header_line(plan: Plan) -> str:
    """Say in one line how the run will be done, and why."""
    parts = [
        *_workers(plan),
        _with_reason(plan.start_method, plan.start_reason),
        *_expectation(plan),
    ]
    return "concurrent: " + ", ".join(parts)


def _workers(plan: Plan) -> list[str]:
    first = plan.workers if plan.first is None else plan.first
    parts = [_with_reason(counted(first, "worker"), plan.workers_reason)]
    if plan.least is not None:
        parts.append(f"{plan.least} to {plan.workers} as the load allows (--concurrent-scale)")
    return parts


def _with_reason(what: str, reason: str) -> str:
    return f"{what} ({reason})" if reason else what


def _expectation(plan: Plan) -> list[str]:
    if plan.timed == 0:
        return ["no timings yet"]
    known = [("estimate", plan.estimate), ("bound", plan.bound)]
    parts = [f"{name} {duration(seconds)}" for name, seconds in known if seconds is not None]
    return [*parts, f"timings of {plan.timed:,} of {counted(plan.tests, 'test')}"]


def share_lines(shares: Sequence[tuple[str, int, float | None]]) -> list[str]:
    """Say how the plan divides the tests; for ``-v``.

    Args:
        shares: For each worker its name, its number of tests, and their estimated seconds together.
    """
    return [
        f"  {worker}: {counted(tests, 'test')}"
        + ("" if seconds is None else f", {duration(seconds)}")
        for worker, tests, seconds in shares
    ]
