"""Workers come and go while a run goes on: recycled, scaled, tried again; and what they leave."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from .parity import Compare

NOTED = """
import os, pathlib
import pytest

def note(what):
    with open(pathlib.Path(__file__).parent / "noted", "a") as file:
        file.write(f"{os.getpid()} {os.environ['PYTEST_XDIST_WORKER']} {what}\\n")
"""
MANY = (
    NOTED
    + """
@pytest.mark.parametrize("number", range(14))
def test_number(number):
    note(number)
"""
)
FINISH = """
import os, pathlib

def pytest_concurrent_worker_finish(config, worker):
    (pathlib.Path(__file__).parent / f"finished-{os.getpid()}").touch()
"""


def run(pytester: pytest.Pytester, *args: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess("--concurrent", "--concurrent-events=events", *args)


def events(kind: str) -> list[dict[str, Any]]:
    lines = Path("events").read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["event"] == kind]


def noted() -> list[list[str]]:
    return [line.split() for line in Path("noted").read_text().splitlines()]


def test_worker_runs_no_more_tests_than_asked(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_many=MANY)
    pytester.makeconftest(FINISH)
    result = run(pytester, "--workers=2", "--concurrent-recycle-after=3", "--benchmark")
    result.assert_outcomes(passed=14)
    tests = Counter(pid for pid, _, _ in noted())
    assert max(tests.values()) <= 3
    assert {slot for _, slot, _ in noted()} <= {"gw0", "gw1"}
    # Every worker ended as at any other end.
    finished = {path.name.removeprefix("finished-") for path in Path().glob("finished-*")}
    assert set(tests) <= finished
    recycled = events("worker_recycled")
    assert {(event["cause"], event["tests"]) for event in recycled} == {("tests", 3)}
    assert events("worker_died") == []
    result.stdout.fnmatch_lines([f"Workers recycled: *{len(recycled)} (*"])


def test_named_group_stays_on_its_worker(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_group=NOTED
        + """
@pytest.mark.concurrent_group("together")
@pytest.mark.parametrize("number", range(6))
def test_grouped(number): note("grouped")

@pytest.mark.parametrize("number", range(6))
def test_free(number): note("free")
"""
    )
    run(pytester, "--workers=2", "--concurrent-recycle-after=2").assert_outcomes(passed=12)
    assert len({pid for pid, _, what in noted() if what == "grouped"}) == 1
    assert len({pid for pid, _, what in noted() if what == "free"}) >= 3


def test_worker_that_grows_is_replaced(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_leak=NOTED
        + """
import time
leaked = []

@pytest.mark.parametrize("number", range(8))
def test_leaks(number):
    note(number)
    leaked.append(bytearray(os.urandom(1) * (40 << 20)))
    time.sleep(0.3)
"""
    )
    run(pytester, "--workers=1", "--concurrent-memory-limit=100MiB").assert_outcomes(passed=8)
    recycled = events("worker_recycled")
    assert {event["cause"] for event in recycled} == {"memory"}
    assert all(event["memory"] > 100 << 20 for event in recycled)
    assert len({pid for pid, _, _ in noted()}) == len(recycled) + 1


def test_limit_that_nothing_meets_runs_every_test(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_many=MANY)
    run(pytester, "--workers=2", "--concurrent-memory-limit=1").assert_outcomes(passed=14)


@pytest.mark.parametrize(
    "ini", ["concurrent_recycle_after = 1", "concurrent_scale = true\nconcurrent_min_workers = 1"]
)
def test_turnover_changes_nothing_that_is_told(
    pytester: pytest.Pytester, compare: Compare, ini: str
) -> None:
    pytester.makeini(f"[pytest]\n{ini}\n")
    pytester.makepyfile(
        """
        import warnings
        import pytest

        @pytest.fixture(scope="session")
        def shared():
            return object()

        @pytest.mark.parametrize("number", range(6))
        def test_number(number, shared):
            warnings.warn(f"number {number}")
            assert number != 3

        def test_skipped(): pytest.skip("not today")
        """
    )
    assert compare("-v", workers=(1, 2)).code == 1


def test_header_tells_the_bounds(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_many=MANY.replace("note(number)", "pass"))
    words = ("--concurrent-scale", "--concurrent-min-workers=1", "--concurrent-max-workers=5")
    result = run(pytester, "--workers=2", "--benchmark", *words)
    result.assert_outcomes(passed=14)
    result.stdout.fnmatch_lines(
        [
            "concurrent: 2 workers (--workers), 1 to 5 as the load allows (--concurrent-scale), *",
            "Dynamic scaling: *2 at first, *",
        ]
    )
    started = events("run_started")[0]
    assert (started["workers"], started["first_workers"]) == (5, 2)


def test_given_bounds_hold_for_auto(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_one(): pass")
    result = run(pytester, "--concurrent-min-workers=3", "--concurrent-max-workers=4")
    result.stdout.fnmatch_lines(["concurrent: 3 workers (--concurrent-min-workers), *"])


def test_bounds_out_of_order_are_refused(pytester: pytest.Pytester) -> None:
    result = run(pytester, "--concurrent-scale", "--concurrent-max-workers=1")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            "ERROR: --concurrent-min-workers=2 (default) is more than --concurrent-max-workers=1 "
            "(--concurrent-max-workers on the command line): *"
        ]
    )


DIES_FIRST = """
import os, pathlib, signal

def pytest_concurrent_worker_start(config, worker):
    first = pathlib.Path(__file__).parent / "died"
    if not first.exists():
        first.touch()
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_worker_that_does_not_start_is_tried_again(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(DIES_FIRST)
    pytester.makepyfile("def test_one(): pass")
    retries = ("--concurrent-retry-delay=0.05", "--concurrent-max-worker-restarts=0")
    result = run(pytester, "--workers=1", "--benchmark", *retries)
    # The death is an error of its own all the same.
    result.assert_outcomes(passed=1, errors=1)
    retried = events("worker_retried")
    assert [(event["cause"], event["attempt"]) for event in retried] == [("start", 1)]
    assert 0.025 <= retried[0]["delay"] <= 0.05
    result.stdout.fnmatch_lines(
        ["concurrent: gw0 did not start, retry 1 of 3 in *", "Worker retries: *1 (1 did not *"]
    )


@pytest.fixture
def strays() -> Iterator[Path]:
    """A file with numbers of processes that are ended in any case."""
    path = Path("strays").absolute()
    yield path
    for pid in path.read_text().split() if path.exists() else ():
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)


def alive(strays: Path) -> list[bool]:
    return [
        Path(f"/proc/{pid}/stat").exists()
        and Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        for pid in strays.read_text().split()
    ]


STRAY = """
import subprocess

def stray(seconds, **options):
    quiet = dict(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    process = subprocess.Popen(["sleep", seconds], **quiet, **options)
    with open("strays", "a") as file:
        file.write(f"{process.pid} ")
"""


def test_processes_to_be_kept_outlive_the_run(pytester: pytest.Pytester, strays: Path) -> None:
    pytester.makeini("[pytest]\nconcurrent_keep_children = nothing\n  sl*p 71\n")
    pytester.makepyfile(
        test_strays=STRAY
        + """
def test_one():
    stray("71")
    stray("71", start_new_session=True)
    stray("72")
    stray("73", start_new_session=True)
"""
    )
    result = run(pytester, "--workers=1")
    result.assert_outcomes(passed=1)
    assert alive(strays) == [True, True, False, False]
    result.stdout.fnmatch_lines(
        [
            "concurrent: warning: ended 1 process that tests left behind: sleep 73 (*)",
            "concurrent: left alone (concurrent_keep_children): 2 processes that tests left *",
        ]
    )


def test_processes_of_a_plugin_are_left_alone(pytester: pytest.Pytester, strays: Path) -> None:
    pytester.makeconftest(
        STRAY
        + """
def pytest_runtest_logfinish():
    stray("74", start_new_session=True)
"""
    )
    pytester.makepyfile("def test_one(): pass")
    result = run(pytester, "--workers=1")
    result.assert_outcomes(passed=1)
    assert alive(strays) == [True]
    assert "left behind" not in result.stdout.str()
