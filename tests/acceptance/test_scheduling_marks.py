"""Marks keep tests apart or together, shards divide a suite, and nothing runs twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .parity import on_workers

RECORDING = """
import json
import os
import time

import pytest


@pytest.fixture(autouse=True)
def recorded(request):
    began = time.monotonic()
    yield
    time.sleep(0.01)
    entry = [request.node.name, os.environ["PYTEST_XDIST_WORKER"], began, time.monotonic()]
    with open("record", "a") as file:
        file.write(json.dumps(entry) + "\\n")
"""


@pytest.fixture(autouse=True)
def suite(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(RECORDING)


class Ran:
    """One test that ran: its name, worker, begin and end."""

    def __init__(self, name: str, worker: str, began: float, ended: float) -> None:
        self.name, self.worker, self.began, self.ended = name, worker, began, ended

    def overlaps(self, other: Ran) -> bool:
        return self.began < other.ended and other.began < self.ended


def record() -> list[Ran]:
    rows: list[list[Any]] = [json.loads(line) for line in Path("record").read_text().splitlines()]
    return [Ran(*row) for row in rows]


def run(pytester: pytest.Pytester, source: str, *args: str, workers: int = 3) -> list[Ran]:
    pytester.makepyfile("import time\nimport pytest\n\n" + source)
    result = pytester.runpytest_subprocess("--strict-markers", *args, *on_workers(workers))
    assert result.ret == 0, result.stdout.str()
    ran = record()
    assert len({one.name for one in ran}) == len(ran)
    return ran


def test_serial_tests_run_alone(pytester: pytest.Pytester) -> None:
    ran = run(
        pytester,
        """
@pytest.mark.parametrize("number", range(12))
def test_any(number): time.sleep(0.01)

@pytest.mark.concurrent_serial
@pytest.mark.parametrize("number", range(3))
def test_serial(number): time.sleep(0.02)
""",
    )
    assert len(ran) == 15
    for one in ran:
        if one.name.startswith("test_serial"):
            assert not [other.name for other in ran if other is not one and one.overlaps(other)]


def test_resources_are_locks(pytester: pytest.Pytester) -> None:
    ran = run(
        pytester,
        """
@pytest.mark.concurrent_resource("redis")
@pytest.mark.parametrize("number", range(5))
def test_redis(number): time.sleep(0.02)

@pytest.mark.concurrent_resource("port", slots=2)
@pytest.mark.parametrize("number", range(6))
def test_port(number): time.sleep(0.02)
""",
    )
    redis = [one for one in ran if "redis" in one.name]
    assert not any(a.overlaps(b) for a in redis for b in redis if a is not b)
    ports = [one for one in ran if "port" in one.name]
    for one in ports:
        at_its_begin = [other for other in ports if other.began <= one.began < other.ended]
        assert len(at_its_begin) <= 2


@pytest.mark.parametrize("mark", ["concurrent_group", "xdist_group"])
def test_groups_stay_on_one_worker(pytester: pytest.Pytester, mark: str) -> None:
    ran = run(
        pytester,
        f"""
@pytest.mark.{mark}("one")
@pytest.mark.parametrize("number", range(4))
def test_one(number): time.sleep(0.01)

@pytest.mark.{mark}(name="two")
@pytest.mark.parametrize("number", range(4))
def test_two(number): time.sleep(0.01)

def test_between(): pass
""",
    )
    for name in ("one", "two"):
        members = [one for one in ran if name in one.name]
        assert len(members) == 4
        assert len({one.worker for one in members}) == 1
        members.sort(key=lambda one: one.began)
        assert [one.name[-2] for one in members] == list("0123")


def test_short_marks_must_be_wanted(pytester: pytest.Pytester) -> None:
    source = "@pytest.mark.serial\n@pytest.mark.resource('a')\ndef test_one(): pass\n"
    run(pytester, source, "-o", "concurrent_short_marks=true")
    result = pytester.runpytest_subprocess("--strict-markers", *on_workers(2))
    assert result.ret != 0


def test_files_stay_whole_when_asked(pytester: pytest.Pytester) -> None:
    source = "import pytest\n@pytest.mark.parametrize('n', range(5))\ndef test_{}(n): pass\n"
    pytester.makepyfile(**{f"test_{name}": source.format(name) for name in "abc"})
    ran = run(pytester, "def test_last(): pass", "--concurrent-group=file", workers=2)
    for name in "abc":
        assert len({one.worker for one in ran if one.name.startswith(f"test_{name}")}) == 1


def test_shards_divide_the_suite(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "import pytest\n@pytest.mark.parametrize('n', range(11))\ndef test_one(n): pass\n"
    )
    digests, counts = set(), []
    for number in (1, 2, 3):
        result = pytester.runpytest_subprocess(f"--concurrent-shard={number}/3", *on_workers(2))
        (line,) = [one for one in result.stdout.lines if one.startswith("concurrent: shard")]
        digests.add(line.split("split ")[1])
        counts.append(result.parseoutcomes()["passed"])
    assert len(digests) == 1
    assert sum(counts) == len(record()) == len({one.name for one in record()}) == 11
    assert min(counts) >= 1
