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
def compare(pytester: pytest.Pytester, request: pytest.FixtureRequest) -> Compare:
    """Compare a sequential run with runs on workers.

    Each run has a cache of its own; colours are on. `workers` says how many there are in each run.
    They are forked; where the test has the mark `spawned`, and in every test with
    `--every-start-method`, the last of these runs is repeated with workers that are spawned.
    """
    every = request.config.getoption("every_start_method")
    spawned = request.node.get_closest_marker("spawned")

    def check(*args: str, workers: Sequence[int] = (2,), junit: bool = True) -> Told:
        wanted = told(pytester, "sequential", *args, junit=junit)
        runs = [(number, "fork") for number in workers]
        if every or spawned:
            runs.append((workers[-1], "spawn"))
        for number, start in runs:
            asked = (*args, *on_workers(number, start))
            found = told(pytester, f"{start}-{number}", *asked, junit=junit)
            assert not differences(wanted, found), f"with {number} workers, {start}"
        return wanted

    return check
