"""Attempts are counted and reported as in a sequential run, and outlive a worker."""

from __future__ import annotations

from pathlib import Path

import pytest

from .modes import WORKERS, Compare, Runner

SUITE = """
import pathlib
import pytest

def fails(times, name):
    file = pathlib.Path(f"attempts-{name}")
    attempts = len(file.read_text()) if file.exists() else 0
    with file.open("a") as log:
        log.write("x")
    return attempts < times

@pytest.mark.parametrize("number", range(4))
def test_steady(number): pass

def test_unsteady():
    assert not fails(1, "unsteady")

@pytest.fixture
def unsteady():
    assert not fails(2, "fixture")

def test_unsteady_set_up(unsteady): pass

@pytest.mark.flaky(reruns=1)
def test_never(): assert 0
"""

#: With it beside pytest-xdist, and without.
PRESENCE = [["xdist", "rerunfailures"], ["rerunfailures"]]


def attempts(folder: Path) -> dict[str, int]:
    """How often each unsteady test ran."""
    return {file.name: len(file.read_text()) for file in folder.glob("attempts-*")}


@pytest.mark.parametrize("plugins", PRESENCE, ids=["xdist", "alone"])
def test_attempts_are_those_of_a_sequential_run(
    pytester: pytest.Pytester, compare: Compare, plugins: list[str]
) -> None:
    pytester.makepyfile(SUITE)
    told = compare("--reruns=2", "-rR", plugins=plugins, read=attempts)
    assert told["forked"].totals == {"passed": 6, "failed": 1, "rerun": 4}
    assert "threads are alive" not in told["forked"].text
    assert "rerun test summary info" in told["forked"].text


@pytest.mark.parametrize("plugins", PRESENCE, ids=["xdist", "alone"])
@pytest.mark.parametrize("mode", WORKERS)
def test_crashed_test_is_run_again(
    pytester: pytest.Pytester, runner: Runner, mode: str, plugins: list[str]
) -> None:
    pytester.makepyfile(
        """
        import os, pathlib

        def test_dies_twice():
            with open("attempts-crash", "a") as log:
                log.write("x")
            if len(pathlib.Path("attempts-crash").read_text()) <= 2:
                os.abort()

        def test_other(): pass
        """
    )
    told = runner.run(mode, "--reruns=2", plugins=plugins, read=attempts)
    assert told.totals == {"passed": 2, "rerun": 2}, told.text
    assert told.read == {"attempts-crash": 3}
    told = runner.run(mode, "--reruns=1", plugins=plugins, read=attempts)
    assert told.totals == {"passed": 1, "failed": 1, "rerun": 1}, told.text
    assert "died (SIGABRT)" in told.text


def test_flaky_suite_fails_if_asked_to(pytester: pytest.Pytester, compare: Compare) -> None:
    pytester.makepyfile(SUITE.partition("@pytest.mark.flaky")[0])
    told = compare("--reruns=2", "--fail-on-flaky", plugins=["rerunfailures"], read=attempts)
    assert told["forked"].code == 7


def test_all_workers_share_the_limit_of_the_suite(
    pytester: pytest.Pytester, compare: Compare
) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("number", range(6))
        def test_never(number): assert 0
        """
    )
    told = compare("--reruns=3", "--max-suite-reruns=5", plugins=["rerunfailures"])
    assert told["forked"].totals == {"failed": 6, "rerun": 5}
