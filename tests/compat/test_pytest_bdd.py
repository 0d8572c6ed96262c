"""pytest-bdd's scenarios, their reports and its own reporter."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from . import junit
from .modes import MODES, WORKERS, Compare, Runner

FEATURE = """
Feature: Counting
    Numbers are added.

    Background:
        Given nothing was counted

    Scenario: One number
        When I add 3
        Then the sum is 3

    Scenario: Several numbers
        When I add 3
        And I add 4
        Then the sum is 8

    @slow
    Scenario Outline: Outlined
        When I add <number>
        Then the sum is <sum>

        Examples:
        | number | sum |
        | 1      | 1   |
        | 2      | 3   |
"""
#: What its reporter writes of a scenario and its steps.
_TOLD = re.compile(r"^ +(?:Scenario|Given|When|And|Then)\b.*|^ +(?:PASSED|FAILED)", re.MULTILINE)
STEPS = """
from pytest_bdd import given, parsers, scenarios, then, when

scenarios("counting.feature")

@given("nothing was counted", target_fixture="counted")
def nothing(): return []

@when(parsers.parse("I add {number:d}"))
def add(counted, number): counted.append(number)

@then(parsers.parse("the sum is {number:d}"))
def check(counted, number): assert sum(counted) == number
"""


@pytest.fixture(autouse=True)
def suite(pytester: pytest.Pytester) -> None:
    (pytester.path / "counting.feature").write_text(FEATURE)
    pytester.makeini("[pytest]\nmarkers = slow: slow")
    pytester.makepyfile(test_one=STEPS, test_two=STEPS)


def told(folder: Path) -> tuple[Any, Any]:
    text = (folder / "cucumber.json").read_text()
    features = json.loads(re.sub(r'(?<="duration": )\d+|0x[0-9a-f]+', "0", text))
    # They are listed as they ended.
    scenarios = [scenario for feature in features for scenario in feature.pop("elements")]
    ordered = sorted(json.dumps(scenario, sort_keys=True) for scenario in scenarios)
    return junit.cases(folder), ordered


def test_scenarios_and_their_file_are_equal(compare: Compare) -> None:
    args = (junit.OPTION, "--cucumber-json=cucumber.json")
    runs = compare(*args, plugins=["pytest-bdd"], read=told)
    assert runs["forked"].totals == {"passed": 4, "failed": 4}
    assert len(runs["forked"].read[1]) == 8


def test_its_reporter_tells_every_scenario(runner: Runner) -> None:
    args = ("--gherkin-terminal-reporter", "-vv", "--color=no")
    steps = {}
    for mode in MODES:
        text = runner.run(mode, *args, plugins=["pytest-bdd"]).text
        kept = re.findall(
            r"^ +(?:Scenario|Given|When|And|Then)\b.*|^ +(?:PASSED|FAILED)", text, re.M
        )
        steps[mode] = sorted(kept)
    assert len(steps["sequential"]) >= 16
    assert all(steps[mode] == steps["sequential"] for mode in WORKERS)
