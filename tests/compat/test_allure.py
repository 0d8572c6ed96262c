"""allure-pytest writes the results of every test, whichever worker ran it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .modes import Compare

SUITE = """
import allure
import pytest

@pytest.fixture(scope="module")
def wide():
    yield 1

@allure.feature("numbers")
@pytest.mark.parametrize("number", range(6))
def test_number(number, wide):
    with allure.step(f"step {number}"):
        allure.attach(f"text {number}", name="note")
    print("said", number)
    assert number != 4

@pytest.mark.skip(reason="not now")
def test_skipped(): pass
"""


def results(folder: Path) -> list[Any]:
    """What is told of each test, sorted, without ids, times and the process."""
    found = [json.loads(file.read_text()) for file in (folder / "out").glob("*-result.json")]
    kept = [
        [
            one["name"],
            one["status"],
            one["fullName"],
            [(step["name"], len(step.get("attachments", ()))) for step in one.get("steps", ())],
            sorted(attached["name"] for attached in one.get("attachments", ())),
            sorted(label["value"] for label in one["labels"] if label["name"] == "feature"),
        ]
        for one in found
    ]
    return sorted(kept)


def test_results_are_those_of_a_sequential_run(pytester: pytest.Pytester, compare: Compare) -> None:
    pytester.makepyfile(test_told=SUITE)
    old = pytester.mkdir("out")
    (old / "0-result.json").write_text("[]")
    told = compare("--alluredir=out", "--clean-alluredir", plugins=["allure_pytest"], read=results)
    assert len(told["forked"].read) == 7
    assert len(list((told["forked"].folder / "out").glob("*-attachment*"))) == 12


def test_each_worker_has_its_lane(pytester: pytest.Pytester, compare: Compare) -> None:
    pytester.makepyfile(
        """
        import threading, time, pytest

        @pytest.mark.parametrize("number", range(6))
        def test_number(number):
            time.sleep(0.05)
        """
    )
    told = compare("--alluredir=out", plugins=["allure_pytest"])
    for mode, one in told.items():
        files = (one.folder / "out").glob("*-result.json")
        labels = [label for file in files for label in json.loads(file.read_text())["labels"]]
        lanes = {label["value"] for label in labels if label["name"] == "thread"}
        assert len(lanes) == (1 if mode == "sequential" else 2)
