"""Whatever happens to a run, each test has one verdict and nothing stays behind."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from .fault import OTHERS, Fault
from .model import FAULTS
from .scene import Aftermath, Scene, eventually

#: Endings after which pytest's own totals count a test that was not run, as an error.
_TOLD = ("run_timeout", "restarts_spent", "retries_spent")

#: Verdicts as pytest's totals call them.
_FAILED = ("failed", "timeout", "crashed")


def cases() -> list[object]:
    """Each fault at each number of workers, forked and spawned."""
    return [
        pytest.param(fault, start, workers, id=f"{fault.name}-{start}-{workers}", marks=fault.marks)
        for fault in FAULTS
        for start, workers in fault.ways_to_start
    ]


@pytest.mark.parametrize(("fault", "start", "workers"), cases())
def test_fault_loses_no_verdict(
    pytester: pytest.Pytester, fault: Fault, start: str, workers: int
) -> None:
    pytester.makepyfile(**fault.sources, test_others=OTHERS)
    if fault.conftest:
        pytester.makeconftest(fault.conftest_source)
    scene = Scene(pytester.path)
    how = (f"--workers={workers}", f"--concurrent-start={start}")
    result = scene.run(*how, *fault.options, blows=fault.blows)
    print(result.terminal)
    assert eventually(lambda: not scene.alive(), 5.0), _describe(scene)
    assert scene.leftovers() == []
    assert result.exit == fault.exit
    for text in fault.texts:
        assert re.search(text, result.terminal), text
    for text in ("Traceback (most recent call last)", "INTERNALERROR"):
        assert fault.may_trace or text not in result.terminal
    if fault.is_reported:
        assert result.events[0]["start_method"] == start
        _check_verdicts(fault, result)
    if workers == 2:
        _check_next_run(scene)


def test_every_fault_has_a_row_for_spawned_workers_or_a_reason() -> None:
    assert [fault.name for fault in FAULTS if bool(fault.spawned) == bool(fault.fork_only)] == [
        fault.name for fault in FAULTS if fault.fork_only
    ]


def _check_verdicts(fault: Fault, result: Aftermath) -> None:
    names = [name for name, _ in result.verdicts]
    assert sorted(names) == sorted(fault.verdicts), "one verdict for each test in the events"
    for name, verdict in result.verdicts:
        assert verdict in fault.verdicts[name].split("|"), name
    count = Counter(verdict for _, verdict in result.verdicts)
    untold = 0 if result.ending in _TOLD else count["not_run"]
    errors = result.deaths_outside_of_tests if fault.errors is None else fault.errors
    expected = Counter(
        passed=count["passed"],
        failed=sum(count[verdict] for verdict in _FAILED),
        errors=count["error"] + count["not_run"] - untold + errors,
        rerun=fault.reruns,
    )
    assert result.totals == +expected, "the terminal's totals"
    told = len(names) - untold + errors + fault.reruns
    assert result.cases.total() == told, "JUnit's test cases"
    assert result.problems["failure"] == expected["failed"]
    assert result.problems["error"] == expected["errors"]


def _check_next_run(scene: Scene) -> None:
    result = scene.run("--workers=2", "test_others.py", "-p", "no:cacheprovider", "--noconftest")
    assert (result.exit, result.totals["passed"]) == (0, 6), result.terminal
    assert eventually(lambda: not scene.alive(), 5.0), _describe(scene)


def _describe(scene: Scene) -> str:
    return f"still there: {scene.alive()}, workers were {scene.workers()}"
