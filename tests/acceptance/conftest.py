"""Runs a suite twice, sequentially and on workers, and compares what both say."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from .parity import Compare, Told, differences, on_workers, told


@pytest.fixture(autouse=True)
def quick_and_repeatable(monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs of the same suite have in common."""
    # pytest keeps the colours of a log record in a set.
    monkeypatch.setenv("PYTHONHASHSEED", "0")
    # Two thirds of a small run's time would be the import of a plugin that no suite here uses.
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest")


@pytest.fixture
def compare(pytester: pytest.Pytester) -> Compare:
    """Compare a sequential run with runs on workers.

    Each run has a cache of its own; colours are on. `workers` says how many there are in each run.
    """

    def check(*args: str, workers: Sequence[int] = (2,), junit: bool = True) -> Told:
        wanted = told(pytester, "sequential", *args, junit=junit)
        for number in workers:
            asked = (*args, *on_workers(number))
            found = told(pytester, f"workers-{number}", *asked, junit=junit)
            assert not differences(wanted, found), f"with {number} workers"
        return wanted

    return check
