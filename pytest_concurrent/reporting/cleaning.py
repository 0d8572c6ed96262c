"""What people see and are asked before databases are dropped by hand."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from pytest_concurrent.reporting.units import counted, duration

_ELSEWHERE = "python -m pytest_concurrent databases clean --yes"


def show(config: pytest.Config, found: Sequence[Mapping[str, Any]], problems: Sequence[str]) -> int:
    """Print what there is; how many databases may go.

    Args:
        config: pytest's configuration.
        found: What was found; see `Cleaning.found`.
        problems: What could not be looked at.
    """
    writer = config.get_terminal_writer()
    for problem in problems:
        writer.line(f"not looked at: {problem}", yellow=True)
    for entry in found:
        verb = "may go" if entry["may_go"] else "stays"
        project = f" of {entry['project']}" if entry.get("project") else ""
        age = f", {duration(entry['age_seconds'])} old" if entry.get("age_seconds") else ""
        writer.write(f"{verb:<7}", green=entry["may_go"])
        writer.line(f"{entry['name']}  {entry['kind']}{project}{age}: {entry['why']}")
    going = sum(bool(entry["may_go"]) for entry in found)
    writer.line(f"{counted(len(found), 'database')} with names like ours, {going} may go")
    return going


def is_agreed(config: pytest.Config, going: int, *, consent: bool) -> bool:
    """Ask whether they are to be dropped, unless somebody said so before.

    Args:
        config: pytest's configuration.
        going: How many would go.
        consent: Whether the answer is known to be yes.
    """
    if going == 0 or consent:
        return going > 0
    capture = config.pluginmanager.getplugin("capturemanager")
    if capture is not None:
        capture.suspend_global_capture(in_=True)  # it stands between us and the keyboard
    if not sys.stdin.isatty():
        config.get_terminal_writer().line(f"nothing was dropped; without a terminal: {_ELSEWHERE}")
        return False
    try:
        return input(f"Drop {counted(going, 'database')}? [y/N] ").strip().lower() in {"y", "yes"}
    except (EOFError, KeyboardInterrupt):
        return False


def tell(config: pytest.Config, dropped: int, failed: Sequence[str]) -> None:
    """Print what was done."""
    writer = config.get_terminal_writer()
    writer.line(f"{counted(dropped, 'database')} dropped")
    for line in failed:
        writer.line(f"not dropped: {line}", red=True)
