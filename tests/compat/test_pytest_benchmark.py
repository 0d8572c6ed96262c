"""What pytest-benchmark measures runs last and alone, and its results reach the controller."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .modes import Compare

SUITE = """
import time
import pytest

RUNNING = "running"

def note(what):
    with open("order", "a") as file:
        file.write(f"{what}\\n")

@pytest.mark.parametrize("size", [10, 20])
def test_measured(benchmark, size):
    note("begin measured")
    benchmark.extra_info["size"] = size
    benchmark.pedantic(sum, args=(range(size),), rounds=5, iterations=2)
    note("end measured")

@pytest.mark.benchmark(group="failing")
def test_measured_and_failed(benchmark):
    note("begin measured")
    benchmark.pedantic(sum, args=([],), rounds=3)
    note("end measured")
    assert 0

@pytest.mark.parametrize("number", range(6))
def test_other(number):
    note("begin other")
    time.sleep(0.02)
    note("end other")
"""


def told_of(folder: Path) -> Any:
    """The file, without what no two runs have in common."""
    found = json.loads((folder / "out.json").read_text())
    return [
        [
            one["name"],
            one["fullname"],
            one["group"],
            one["params"],
            one["extra_info"],
            one["options"],
            one["stats"]["rounds"],
            one["stats"]["iterations"],
            len(one["stats"]["data"]),
            sorted(one),
        ]
        for one in found["benchmarks"]
    ]


def test_file_is_that_of_a_sequential_run(pytester: pytest.Pytester, compare: Compare) -> None:
    pytester.makepyfile(SUITE)
    told = compare("--benchmark-json=out.json", plugins=["benchmark"], read=told_of)
    assert len(told["forked"].read) == 3
    for one in told.values():
        assert "benchmark: 2 tests" in one.text or "2 tests" in one.text
        assert "test_measured[10]" in one.text


def test_measuring_tests_run_last_and_alone(pytester: pytest.Pytester, compare: Compare) -> None:
    pytester.makepyfile(SUITE)
    lines = (compare(plugins=["benchmark"])["forked"].folder / "order").read_text().splitlines()
    assert lines[-6:] == ["begin measured", "end measured"] * 3


@pytest.mark.parametrize("option", ["--benchmark-disable", "--benchmark-skip", "--benchmark-only"])
def test_options_mean_what_they_mean(
    pytester: pytest.Pytester, compare: Compare, option: str
) -> None:
    pytester.makepyfile(SUITE)
    compare(option, plugins=["benchmark"])


def test_profiles_come_home(pytester: pytest.Pytester, compare: Compare) -> None:
    pytester.makepyfile(SUITE)
    told = compare("--benchmark-cprofile=tottime", plugins=["benchmark"])
    for one in told.values():
        assert "cProfile (time in s)" in one.text
        assert "built-in method builtins.sum" in one.text
