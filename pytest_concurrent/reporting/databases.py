"""What is said of databases after a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import median
from typing import Any

from pytest_concurrent.reporting.units import counted, duration


def problems(report: Mapping[str, Any]) -> Iterator[str]:
    """What went wrong with databases, one line each.

    Args:
        report: The keeper's answer to `finish`; empty if there was none.
    """
    yield from report.get("failed", ())
    yield from report.get("notes", ())


def summary(report: Mapping[str, Any]) -> Iterator[str]:
    """Lines about templates that were built, clones, and what was dropped.

    Args:
        report: The keeper's answer to `finish`; empty if there was none.
    """
    for template in report.get("templates", ()):
        if not template.get("hit", True):
            why = f" ({template['why']})" if template.get("why") else ""
            took = duration(template.get("seconds", 0.0))
            yield f"concurrent: database {template['alias']!r}: template built in {took}{why}"
    seconds = report.get("clone_seconds", ())
    if seconds:
        made = f"{counted(len(seconds), 'clone')} made, {duration(median(seconds))} each"
        yield f"concurrent: databases: {made}, {report.get('dropped', 0)} dropped"
    for gone in report.get("collected", ()):
        yield f"concurrent: databases: {gone['name']} dropped: {gone['why']}"
