"""What is said of databases after a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import median
from typing import Any

from pytest_concurrent.reporting.units import counted, duration


def problems(report: Mapping[str, Any]) -> Iterator[str]:
    """What went wrong while databases were given back, one line each.

    Args:
        report: The keeper's answer to `finish`; empty if there was none.
    """
    yield from report.get("failed", ())


def summary(report: Mapping[str, Any]) -> str:
    """One line about clones and what was dropped; empty if there was nothing.

    Args:
        report: The keeper's answer to `finish`.
    """
    seconds = report.get("clone_seconds", ())
    if not seconds:
        return ""
    made = f"{counted(len(seconds), 'clone')} made in {duration(median(seconds))} each"
    return f"concurrent: databases: {made}, {report.get('dropped', 0)} dropped"
