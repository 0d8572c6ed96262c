"""What must hold after a run, whatever was done to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from soak.aftermath import Aftermath, junit_name
from soak.monkey import Monkey
from soak.suite import expected_verdict, kind

#: Exit status by ending; some test always fails.
_EXITS = {
    "completed": 1,
    "max_failures": 1,
    "restarts_spent": 1,
    "retries_spent": 1,
    "interrupted": 2,
    "run_timeout": 8,
}

#: Endings after which pytest's totals and JUnit count a test that was not run, as an error.
_TOLD = ("run_timeout", "restarts_spent", "retries_spent")

#: What JUnit says of a verdict.
_IN_JUNIT = {
    "passed": "passed",
    "failed": "failure",
    "crashed": "failure",
    "timeout": "failure",
    "error": "error",
    "skipped": "skipped",
    "xfailed": "skipped",
}

#: How many tests of a kind may run at once.
_AT_ONCE = {"door": 1, "gate": 2}


def violations(run: Aftermath, monkey: Monkey, tests: int) -> list[str]:
    """What does not hold, in words; empty when all is well."""
    if not monkey.plan.endings:
        return [*_settled_twice(run), *_leftovers(run)]
    found = [*_ending(run, monkey), *_leftovers(run)]
    if not run.ending:
        return [*found, "the event stream does not say how the run ended"]
    return [
        *found,
        *_settled_twice(run),
        *_verdicts(run, monkey, tests),
        *_deaths(run, monkey),
        *_exclusion(run),
        *_totals(run),
        *_junit(run),
    ]


def _leftovers(run: Aftermath) -> Iterator[str]:
    yield from (f"left behind: {one}" for one in run.leftovers)


def _ending(run: Aftermath, monkey: Monkey) -> Iterator[str]:
    if "INTERNALERROR" in run.terminal or "Traceback (most recent call last)" in run.terminal:
        yield "the terminal shows a traceback or an internal error"
    if run.ending and run.ending not in monkey.plan.endings:
        yield f"the run ended as {run.ending!r}, which its plan cannot lead to"
    if run.ending and run.exit != _EXITS.get(run.ending):
        yield f"exit status {run.exit} after {run.ending!r}"


def _finished(run: Aftermath) -> Iterator[tuple[str, str]]:
    for one in run.events:
        if one["event"] == "test_finished":
            yield one["test"], one["verdict"]


def _settled_twice(run: Aftermath) -> Iterator[str]:
    count = Counter(test for test, _ in _finished(run))
    yield from (f"{test} has {times} verdicts" for test, times in count.items() if times > 1)


def _verdicts(run: Aftermath, monkey: Monkey, tests: int) -> Iterator[str]:
    settled = dict(_finished(run))
    if len(settled) != tests:
        yield f"{tests - len(settled)} of {tests} tests have no verdict"
    killed = {one["test"] for one in run.events if one["event"] == "worker_died" and "test" in one}
    for test, verdict in settled.items():
        allowed = {expected_verdict(test)}
        if run.ending != "completed":
            allowed.add("not_run")
        if test in killed:
            # A test may be told as over and its worker die a moment later, not the other way.
            allowed = {"crashed", *(allowed & {"not_run"})}
            allowed |= {"timeout"} if monkey.frozen or run.ending == "run_timeout" else set()
        if verdict not in allowed:
            yield f"{test}: {verdict}, expected {' or '.join(sorted(allowed))}"


def _deaths(run: Aftermath, monkey: Monkey) -> Iterator[str]:
    """Nobody dies but by our hand, or by the run's own when it ends before its time."""
    pids: dict[str, int] = {}
    for one in run.events:
        if one["event"] == "worker_started":
            pids[one["worker"]] = one["pid"]
        if one["event"] != "worker_died" or run.ending in ("interrupted", "run_timeout"):
            continue
        pid = pids.get(one["worker"], 0)
        if pid in monkey.frozen:
            continue
        if one["death"] not in [{"signaled": int(number)} for number in monkey.struck[pid]]:
            got = ", ".join(number.name for number in monkey.struck[pid]) or "no signal"
            yield f"worker {one['worker']} ({pid}) died of {one['death']}, but got {got}"


def _exclusion(run: Aftermath) -> Iterator[str]:
    """Marks are obeyed all the same."""
    running: dict[str, str] = {}
    for one in run.events:
        worker = one.get("worker", "")
        if one["event"] == "test_started":
            running[worker] = one["test"]
            yield from _collisions(one["test"], Counter(kind(test) for test in running.values()))
        elif one["event"] in ("test_finished", "worker_died"):
            running.pop(worker, None)


def _collisions(test: str, kinds: Counter[str]) -> Iterator[str]:
    name = kind(test)
    if kinds["serial"] and kinds.total() > 1:
        yield f"{test} started while others ran: {dict(kinds)}"
    if kinds[name] > _AT_ONCE.get(name, 1 if name.startswith("group") else kinds[name]):
        yield f"{test} started while {kinds[name] - 1} of its kind ran"


def _late_errors(run: Aftermath) -> int:
    """Errors that are no test's own: deaths outside of tests, as the terminal counts them."""
    own = sum(verdict == "error" for _, verdict in _finished(run))
    not_run = sum(verdict == "not_run" for _, verdict in _finished(run))
    return run.totals["error"] - own - (not_run if run.ending in _TOLD else 0)


def _totals(run: Aftermath) -> Iterator[str]:
    count = Counter(verdict for _, verdict in _finished(run))
    expected = {name: count[name] for name in ("passed", "skipped", "xfailed")}
    expected["failed"] = count["failed"] + count["crashed"] + count["timeout"]
    for name, number in expected.items():
        if run.totals[name] != number:
            yield f"the terminal counts {run.totals[name]} {name}, the events {number}"
    outside = [one for one in run.events if one["event"] == "worker_died" and "test" not in one]
    late = _late_errors(run)
    if not 0 <= late <= len(outside):
        yield f"{late} errors belong to no test, and {len(outside)} workers died outside of tests"
    if run.ending == "completed" and late != len(outside):
        yield f"{len(outside)} workers died outside of tests, and {late} errors tell of it"


def _junit(run: Aftermath) -> Iterator[str]:
    extra = 0
    told = set()
    for test, verdict in _finished(run):
        name = junit_name(test)
        told.add(name)
        said = list(run.cases.get(name, ()))
        if verdict == "not_run" and run.ending not in _TOLD:
            expected: str | None = None
        else:
            expected = _IN_JUNIT.get(verdict, "error")
        if expected is not None and expected not in said:
            yield f"JUnit says {said} of {test}: {verdict}"
            continue
        rest = said if expected is None else _without(said, expected)
        if any(one != "error" for one in rest):
            yield f"JUnit says {said} of {test}: {verdict}"
        extra += len(rest)
    yield from (f"JUnit knows {name}, the events do not" for name in run.cases.keys() - told)
    if extra != (late := _late_errors(run)):
        yield f"JUnit has {extra} errors that belong to no test, the terminal {late}"


def _without(said: list[Any], one: Any) -> list[Any]:
    rest = list(said)
    rest.remove(one)
    return rest
