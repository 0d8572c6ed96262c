"""Reports for verdicts that no worker could report itself."""

from __future__ import annotations

import time

import pytest
from _pytest._code.code import ReprFileLocation, TerminalRepr
from _pytest._io import TerminalWriter

from pytest_concurrent._engine import Evidence
from pytest_concurrent.reporting import stacks


class Verdict(TerminalRepr):
    """A failure that the controller tells in a test's stead.

    Args:
        item: The test.
        text: What happened; the first line stands for it in pytest's short summary.
    """

    def __init__(self, item: pytest.Item, text: str) -> None:
        self._text = text
        path, line, _ = item.location
        #: Where pytest's summary looks for a message.
        self.reprcrash = ReprFileLocation(path, (line or 0) + 1, text.partition("\n")[0])

    def toterminal(self, tw: TerminalWriter) -> None:
        """Write the text."""
        first, _, rest = self._text.partition("\n")
        tw.line(first, red=True, bold=True)
        tw.line(rest)


def crashed(worker: str, evidence: Evidence | None, before: list[str]) -> str:
    """Say how a worker died under a test."""
    died = evidence.death if evidence else "unknown cause"
    lines = [f"worker {worker} died ({died}){_during(evidence)}"]
    return _with_evidence(lines, evidence, before)


def timed_out(worker: str, limit: str, evidence: Evidence | None, before: list[str]) -> str:
    """Say which limit a test passed, and where it stood."""
    lines = [f"Timeout: passed {limit}{_during(evidence)}, on worker {worker}"]
    return _with_evidence(lines, evidence, before)


def lost(
    worker: str, evidence: Evidence, *, finishing: bool, hung_for: str, before: list[str]
) -> str:
    """Say how a worker died while no test ran on it; `hung_for` is the limit that it passed."""
    doing = "between tests" if before else "before its first test"
    if finishing:
        doing = "while it tore down and left"
    if evidence.sharing:
        doing += f", in {evidence.sharing}"
    how = f"hung: it passed {hung_for}" if hung_for else f"died ({evidence.death})"
    return _with_evidence([f"worker {worker} {how} {doing}"], evidence, before)


def _during(evidence: Evidence | None) -> str:
    """The phase in which a test ended with its worker."""
    if evidence is None or evidence.phase == "between tests":
        return ""
    return f" during {evidence.sharing or evidence.phase}"


def failure_reports(item: pytest.Item, text: str, seconds: float) -> list[pytest.TestReport]:
    """The reports of a test that failed without reporting itself: a failed call, and an end."""
    return [_report(item, "call", text, seconds), _report(item, "teardown", None, 0.0)]


def error_reports(item: pytest.Item, text: str) -> list[pytest.TestReport]:
    """The reports of a test that could not be begun."""
    return [_report(item, "setup", text, 0.0), _report(item, "teardown", None, 0.0)]


def teardown_error(item: pytest.Item, text: str) -> pytest.TestReport:
    """The report of an error after a test."""
    return _report(item, "teardown", text, 0.0)


def sections(evidence: Evidence | None) -> list[tuple[str, str]]:
    """What the test printed, in the form of report sections."""
    if evidence is None:
        return []
    names = ("stdout", "stderr")
    captured = [
        (f"Captured {name} {evidence.phase}", text)
        for name, text in zip(names, evidence.captured, strict=True)
    ]
    written = [
        (f"Last {name} of the worker", text)
        for name, text in zip(names, evidence.output, strict=True)
    ]
    return [(name, text) for name, text in captured + written if text]


def _report(item: pytest.Item, when: str, text: str | None, seconds: float) -> pytest.TestReport:
    now = time.time()
    return pytest.TestReport(
        nodeid=item.nodeid,
        location=item.location,
        keywords=dict.fromkeys(item.keywords, 1),
        outcome="passed" if text is None else "failed",
        longrepr=None if text is None else Verdict(item, text),
        when=when,  # type: ignore[arg-type]
        duration=seconds,
        start=now - seconds,
        stop=now,
    )


def _with_evidence(lines: list[str], evidence: Evidence | None, before: list[str]) -> str:
    if evidence is None:
        return "\n".join(lines)
    lines.append(
        f"It had used {evidence.cpu:.1f} s of processor time "
        f"and at most {evidence.peak_memory / 2**20:.0f} MiB of memory."
    )
    if evidence.signal == 9:
        lines.append(
            "SIGKILL comes from outside: often from the kernel when memory runs out. "
            "See the kernel's log, or try fewer workers."
        )
    if evidence.stacks:
        lines += ["", "Where its threads stood:", *stacks.readable(evidence.stacks)]
    if evidence.native:
        lines += ["", *stacks.native(evidence.native)]
    if before:
        lines += ["", "What ran before on it, the last one last:", *(f"  {one}" for one in before)]
    return "\n".join(lines)
