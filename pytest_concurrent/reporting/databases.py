"""What is said of databases after a run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from pytest_concurrent.reporting.units import counted, duration

#: As wide as the labels of the report's other lines.
_LABEL_WIDTH = 31

#: Why something is tried again.
_CAUSES = {
    "busy": "in use by others",
    "lost": "connection lost",
    "unreachable": "server not reached",
}


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
        if not template.get("hit", True) and template.get("state") != "failed":
            why = f" ({template['why']})" if template.get("why") else ""
            took = duration(template.get("seconds", 0.0))
            yield f"concurrent: database {template['alias']!r}: template built in {took}{why}"
    seconds = report.get("clone_seconds", ())
    if seconds:
        made = f"{counted(len(seconds), 'clone')} made, {duration(median(seconds))} each"
        yield f"concurrent: databases: {made}, {report.get('dropped', 0)} dropped"
    if retries := _retries(report):
        yield f"concurrent: databases: {retries}"
    for gone in report.get("collected", ()):
        yield f"concurrent: databases: {gone['name']} dropped: {gone['why']}"


def benchmark(report: Mapping[str, Any]) -> Iterator[str]:
    """Lines of the benchmark report about templates and clones; none without databases.

    Args:
        report: The keeper's answer to `finish`; empty if there was none.
    """
    for template in report.get("templates", ()):
        label = f"Template of {template['alias']}:"
        yield f"{label:<{_LABEL_WIDTH}}{_template(template)}"
    if seconds := report.get("clone_seconds", ()):
        times = f"{duration(median(seconds))} each, {duration(max(seconds))} at most"
        yield f"{'Clones:':<{_LABEL_WIDTH}}{len(seconds):,}, {times}"
    if retries := _retries(report):
        yield f"{'Database retries:':<{_LABEL_WIDTH}}{retries}"


def lines_with_databases(lines: Sequence[str], report: Mapping[str, Any]) -> list[str]:
    """The benchmark report's lines with those about databases, before its advice.

    Args:
        lines: The report without them.
        report: The keeper's answer to `finish`; empty if there was none.
    """
    figures = [number for number, line in enumerate(lines) if line.endswith(":")]
    end = figures[0] if figures else len(lines)
    return [*lines[:end], *benchmark(report), *lines[end:]]


def _retries(report: Mapping[str, Any]) -> str:
    """How often something was tried again, and why; empty if nothing was."""
    causes: Mapping[str, int] = report.get("retries", {})
    told = [f"{_CAUSES[cause]} {counted(times, 'time')}" for cause, times in causes.items()]
    return f"tried again: {', '.join(told)}" if told else ""


def _template(template: Mapping[str, Any]) -> str:
    if template.get("state") == "failed":
        return "failed"
    if template.get("hit"):
        return "hit"
    return f"miss ({template.get('why', '')}), {duration(template.get('seconds') or 0.0)}"


def with_databases(document: str, report: Mapping[str, Any]) -> str:
    """The benchmark report as JSON, with what is known of templates and clones under `databases`.

    Args:
        document: The report without them.
        report: The keeper's answer to `finish`; empty if there was none.
    """
    if not report:
        return document
    templates = [
        {name: one.get(name) for name in ("alias", "vendor", "template", "hit", "why", "seconds")}
        for one in report.get("templates", ())
    ]
    seconds = list(report.get("clone_seconds", ()))
    retries = dict(report.get("retries", {}))
    databases = {"templates": templates, "clone_seconds": seconds, "retries": retries}
    return json.dumps({**json.loads(document), "databases": databases}, indent=2) + "\n"
