"""What a run leaves for the next one: the last failures, the order, the step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .parity import on_workers

SUITE = """
import pathlib
import pytest

BAD = {3, 5, 8}

@pytest.mark.parametrize("number", range(10))
def test_number(number):
    fixed = pathlib.Path("fixed")
    assert number not in BAD or fixed.exists()
"""


@pytest.fixture(autouse=True)
def suite(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_some=SUITE, test_good="def test_good(): pass")


def cached(name: str) -> Any:
    path = Path(".pytest_cache/v/cache") / name
    return json.loads(path.read_text()) if path.exists() else None


def run(pytester: pytest.Pytester, *args: str, workers: int = 3) -> pytest.RunResult:
    return pytester.runpytest_subprocess(*args, *on_workers(workers))


def test_failures_are_kept_alike(pytester: pytest.Pytester) -> None:
    pytester.runpytest_subprocess()
    sequential = [cached("lastfailed"), cached("nodeids")]
    assert len(sequential[0]) == 3
    run(pytester, "--cache-clear")
    assert [cached("lastfailed"), cached("nodeids")] == sequential


def test_last_failed_runs_them_only(pytester: pytest.Pytester) -> None:
    run(pytester)
    result = run(pytester, "--lf")
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(["run-last-failure: rerun previous 3 failures*"])
    Path("fixed").touch()
    run(pytester, "--lf").assert_outcomes(passed=3)
    assert cached("lastfailed") in (None, {})
    run(pytester, "--lf").assert_outcomes(passed=11)


def test_failed_first_begins_with_them(pytester: pytest.Pytester) -> None:
    run(pytester)
    result = run(pytester, "--ff", "-v", workers=1)
    ran = [line for line in result.stdout.lines if "::" in line and "[" in line and "%" in line]
    assert [line.split()[1] for line in ran[:4]] == ["FAILED", "FAILED", "FAILED", "PASSED"]


def test_new_first_begins_with_new(pytester: pytest.Pytester) -> None:
    run(pytester)
    pytester.makepyfile(test_zzz_new="def test_new(): pass")
    result = run(pytester, "--nf", "-v", workers=1)
    ran = [line for line in result.stdout.lines if "::" in line and "%]" in line]
    assert ran[0].startswith("test_zzz_new.py::test_new")


@pytest.mark.parametrize("workers", [1, 3])
def test_step_stands_at_first_failure(pytester: pytest.Pytester, workers: int) -> None:
    run(pytester, "--sw", workers=workers)
    step = cached("stepwise")
    name = step["last_failed"] if isinstance(step, dict) else step
    assert name == "test_some.py::test_number[3]"
    result = run(pytester, "--sw", workers=workers)
    result.stdout.fnmatch_lines(["*skipping 4 already passed items*"])
    Path("fixed").touch()
    result = run(pytester, "--sw", workers=workers)
    result.assert_outcomes(passed=7, deselected=4)


def test_step_may_skip_one_failure(pytester: pytest.Pytester) -> None:
    run(pytester, "--sw", "--sw-skip")
    step = cached("stepwise")
    name = step["last_failed"] if isinstance(step, dict) else step
    assert name == "test_some.py::test_number[5]"


def test_no_cache_is_no_error(pytester: pytest.Pytester) -> None:
    result = run(pytester, "-p", "no:cacheprovider")
    result.assert_outcomes(passed=8, failed=3)
    assert not Path(".pytest_cache").exists()
