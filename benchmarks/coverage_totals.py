"""What pytest-cov measured: every line of every file, and the total."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from measuring.process import Cost
from real_suites import RealSuite


@dataclass(frozen=True)
class Measured:
    """Numbers of the executed lines and the branches taken, by file; and the total in words."""

    files: Mapping[str, Mapping[str, Any]]
    total: str


def measure(suite: RealSuite, home: Path, label: str, *words: str) -> tuple[Measured, Cost]:
    """Run a suite with pytest-cov. Raises `CommandError` on another exit code than its own."""
    report = home / "coverage" / f"{suite.name}-{label}.json"
    report.parent.mkdir(exist_ok=True)
    report.unlink(missing_ok=True)
    measured = [f"--cov={package}" for package in suite.packages]
    plain = () if words else ("-p", "no:pytest_concurrent")
    _, cost = suite.run(
        home, f"{label}-coverage", *measured, f"--cov-report=json:{report}", *plain, *words
    )
    return read(report), cost


def read(report: Path) -> Measured:
    """Read the JSON report of coverage."""
    told = json.loads(report.read_text())
    files = {
        name: {key: file.get(key) for key in ("executed_lines", "executed_branches")}
        for name, file in told["files"].items()
    }
    totals = told["totals"]
    return Measured(files, f"{totals['percent_covered']:.2f} % of {totals['num_statements']:,}")


def differences(left: Measured, right: Measured) -> list[str]:
    """Say how two measurements differ, one entry a file."""
    found = []
    for name in sorted({*left.files, *right.files}):
        ours, theirs = left.files.get(name, {}), right.files.get(name, {})
        for key in sorted({*ours, *theirs}):
            first, second = _places(ours.get(key)), _places(theirs.get(key))
            if first != second:
                missing, added = sorted(first - second), sorted(second - first)
                found.append(f"{name}: {key} only in the first {missing}, in the second {added}")
    if not found and left.total != right.total:
        found.append(f"total: {left.total} and {right.total}")
    return found


def _places(listed: Any) -> set[Any]:
    """Lines as they are, branches as pairs."""
    return {tuple(one) if isinstance(one, list) else one for one in listed or ()}
