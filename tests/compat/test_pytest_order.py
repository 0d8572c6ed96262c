"""pytest-order's order is kept: by pytest-concurrent's plan, too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from . import junit
from .modes import MODES, WORKERS, Compare, Runner

SUITE = """
import pytest

@pytest.mark.order(-1)
def test_last(): pass

@pytest.mark.order(after="test_c")
def test_a(): pass

@pytest.mark.order(before="test_a")
def test_b(): assert 0

def test_c(): pass

@pytest.mark.order(1)
@pytest.mark.parametrize("number", range(3))
def test_first(number): pass
"""


@pytest.fixture(autouse=True)
def suite(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_one=SUITE, test_two=SUITE)


def started(folder: Path) -> list[str]:
    events = map(json.loads, (folder / "events.jsonl").read_text().splitlines())
    return [event["test"] for event in events if event["event"] == "test_started"]


def test_order_is_that_of_a_sequential_run(compare: Compare) -> None:
    told = compare(junit.OPTION, plugins=["pytest_order"], read=junit.cases)
    assert [case[1] for case in told["forked"].read][-1] == "test_last"


@pytest.mark.parametrize("mode", WORKERS)
def test_tests_start_in_that_order(runner: Runner, mode: str) -> None:
    args = ("--order-scope=module", "--concurrent-events=events.jsonl")
    first = runner.run("sequential", *args, plugins=["pytest_order"], read=started)
    one = [option for option in MODES[mode] if option != "--workers=2"] + ["--workers=1"]
    told = runner.run("sequential", *args, *one, plugins=["pytest_order"], read=started)
    assert told.read == first.read
    assert told.read[0].endswith("test_first[0]")
