"""Hypothesis finds, keeps and tells on workers what it does in a sequential run."""

from __future__ import annotations

import re

import pytest

from . import junit
from .modes import WORKERS, Compare, Runner

SUITE = """
import time

import pytest
from hypothesis import HealthCheck, assume, event, example, given, note, settings, target
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

@given(st.integers())
def test_even(number):
    event("even" if number % 2 == 0 else "odd")

@given(st.integers())
def test_falsified(number):
    note(f"noted {number}")
    assert number < 1000

@given(st.lists(st.integers()), st.integers())
@example([1], 1)
def test_assumes(numbers, number):
    assume(len(numbers) != 1 or number in numbers)

@settings(deadline=20)
@given(st.just(1))
def test_too_slow(number):
    time.sleep(0.3)

@given(st.integers().filter(lambda number: False))
def test_filters_too_much(number):
    pass

class Machine(RuleBasedStateMachine):
    count = 0

    @rule(step=st.integers(0, 3))
    def move(self, step): self.count += step

    @invariant()
    def is_small(self): assert self.count < 10

TestMachine = Machine.TestCase
"""


def lines(text: str) -> list[str]:
    """The section of statistics, without times."""
    inside = text.partition("Hypothesis Statistics")[2].splitlines()[1:]
    section = [line for line in inside if not line.startswith("=")]
    return [re.sub(r"\d+(\.\d+)? ?(ms|seconds?|s)\b|[<~]|\d+-\d+", "-", line) for line in section]


def test_findings_are_equal(pytester: pytest.Pytester, compare: Compare) -> None:
    pytester.makepyfile(SUITE)
    args = ("--hypothesis-seed=1", "--hypothesis-show-statistics", junit.OPTION)
    told = compare(*args, plugins=["hypothesispytest"], read=junit.outlines)
    assert told["forked"].totals["failed"] == 4
    text = told["forked"].text
    for found in ("number=1000", "noted 1000", "DeadlineExceeded", "filter_too_much", "move("):
        assert found in text
    for mode in WORKERS:
        assert sections(told[mode].text) == sections(told["sequential"].text)
    assert "test_even" in text.partition("Hypothesis Statistics")[2]


def sections(text: str) -> dict[str, list[str]]:
    """Of the statistics: what each test's section says without times, by test."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in lines(text):
        if line.endswith(":") and "::" in line:
            name = line
        # Shares differ: hypothesis draws numbers from the code that a process has imported, too.
        elif name and "Events" not in line and "-" not in line and "%" not in line:
            found.setdefault(name, []).append(line)
    return found


@pytest.mark.parametrize("mode", WORKERS)
def test_failures_are_kept_for_the_next_run(
    pytester: pytest.Pytester, runner: Runner, mode: str
) -> None:
    """A worker adds to the database of examples, and the next run's workers find it."""
    pytester.makepyfile(
        """
        from hypothesis import given, settings, strategies as st

        seen = []

        @settings(database=__import__("hypothesis").database.DirectoryBasedExampleDatabase("kept"))
        @given(st.integers())
        def test_falsified(number):
            seen.append(number)
            if len(seen) == 1:
                open("first", "w").write(str(number))
            assert number < 1234
        """
    )
    first = runner.run(mode, plugins=["hypothesispytest"])
    assert first.totals == {"failed": 1}
    pytester.path.joinpath("kept").mkdir()
    for file in (first.folder / "kept").rglob("*"):
        target = pytester.path / file.relative_to(first.folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.is_file():
            target.write_bytes(file.read_bytes())
    second = runner.run(mode, plugins=["hypothesispytest"])
    assert (second.folder / "first").read_text() == "1234"
