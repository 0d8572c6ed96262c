"""pytest-split picks its part before workers exist, and stores what all of them took."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .modes import Compare

SUITE = """
import pytest

@pytest.mark.parametrize("number", range(12))
def test_number(number): pass
"""


def stored(folder: Path) -> set[str]:
    found: dict[str, Any] = json.loads((folder / ".test_durations").read_text())
    assert all(seconds > 0 for seconds in found.values())
    return set(found)


def test_durations_of_all_workers_are_stored(pytester: pytest.Pytester, compare: Compare) -> None:
    pytester.makepyfile(SUITE)
    told = compare("--store-durations", plugins=["pytest-split"], read=stored)
    assert told["forked"].totals == {"passed": 12}
    assert len(told["forked"].read) == 12


@pytest.mark.parametrize("algorithm", ["duration_based_chunks", "least_duration"])
def test_every_group_is_run_as_split(
    pytester: pytest.Pytester, compare: Compare, algorithm: str
) -> None:
    pytester.makepyfile(SUITE)
    durations = {f"test_every_group_is_run_as_split.py::test_number[{n}]": 1 + n for n in range(12)}
    (pytester.path / ".test_durations").write_text(json.dumps(durations))
    args = ("--splits=2", "--group=2", f"--splitting-algorithm={algorithm}")
    told = compare(*args, plugins=["pytest-split"])
    assert 0 < told["forked"].totals["passed"] < 12
    assert "Running group 2/2" in told["forked"].text
