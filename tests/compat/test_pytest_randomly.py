"""pytest-randomly: one seed is one order and one sequence of numbers, on workers too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from . import junit
from .modes import MODES, WORKERS, Compare, Runner

SUITE = """
import random

import pytest

class TestShuffled:
    def test_one(self, record_property): record_property("drawn", random.random())
    def test_two(self, record_property): record_property("drawn", random.random())
    def test_three(self): pass

@pytest.mark.parametrize("number", range(8))
def test_number(number, record_property):
    record_property("drawn", random.random())
    assert random.random() < 0.8 or number
"""

EVENTS = "--concurrent-events=events.jsonl"


@pytest.fixture
def suite(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(**{f"test_{name}": SUITE for name in ("a", "b", "c")})


def started(folder: Path) -> list[str]:
    events = map(json.loads, (folder / "events.jsonl").read_text().splitlines())
    return [event["test"] for event in events if event["event"] == "test_started"]


@pytest.mark.usefixtures("suite")
@pytest.mark.parametrize("seed", [7, 8])
def test_seed_decides_order_and_numbers(compare: Compare, seed: int) -> None:
    args = (f"--randomly-seed={seed}", junit.OPTION)
    told = compare(*args, plugins=["randomly"], read=junit.cases)
    names = [case[:2] for case in told["forked"].read]
    assert len(names) == 33
    assert names != sorted(names)


@pytest.mark.usefixtures("suite")
@pytest.mark.parametrize("mode", WORKERS)
def test_tests_start_in_that_order(runner: Runner, mode: str) -> None:
    """One worker, so that there is one order."""
    args = ("--randomly-seed=7", EVENTS)
    sequential = runner.run("sequential", *args, plugins=["randomly"], read=started)
    one = [option for option in MODES[mode] if option != "--workers=2"] + ["--workers=1"]
    told = runner.run("sequential", *args, *one, plugins=["randomly"], read=started)
    assert told.read == sequential.read


@pytest.mark.usefixtures("suite")
@pytest.mark.parametrize("mode", WORKERS)
def test_seed_of_a_run_can_be_given_again(runner: Runner, mode: str) -> None:
    """The seed that nobody chose is shown, is the same for all workers, and gives the same run."""
    first = runner.run(mode, junit.OPTION, plugins=["randomly"], read=junit.cases)
    shown = next(line for line in first.text.splitlines() if "--randomly-seed=" in line)
    seed = shown.partition("--randomly-seed=")[2].strip()
    again = (f"--randomly-seed={seed}", junit.OPTION)
    assert runner.run(mode, *again, plugins=["randomly"], read=junit.cases).read == first.read
