"""pytest-asyncio's loops live and end in each worker as in a sequential run."""

from __future__ import annotations

import pytest

from . import junit
from .modes import Compare

SUITE = """
import asyncio

import pytest
import pytest_asyncio

{marks}

@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def service():
    await asyncio.sleep(0)
    yield asyncio.get_running_loop()

@pytest_asyncio.fixture
async def number():
    await asyncio.sleep(0)
    yield 3
    await asyncio.sleep(0)

@pytest.mark.parametrize("n", range(6))
{mark}
async def test_number(number, n):
    await asyncio.sleep(0)
    assert number != n

@pytest.mark.asyncio(loop_scope="session")
async def test_loop_of_the_session(service):
    assert asyncio.get_running_loop() is service

@pytest.mark.asyncio(loop_scope="class")
class TestLoop:
    async def test_begin(self):
        TestLoop.loop = asyncio.get_running_loop()

    async def test_tasks(self):
        done = await asyncio.gather(*(asyncio.sleep(0, n) for n in range(3)))
        assert done == [0, 1, 2]

def test_plain(): pass

@pytest.mark.xfail(strict=True)
@pytest.mark.asyncio
async def test_timeout():
    await asyncio.wait_for(asyncio.sleep(10), 0.01)

async def test_without_mark():
    await asyncio.sleep(0)
"""


@pytest.mark.parametrize("mode", ["auto", "strict"])
def test_coroutines_are_equal(pytester: pytest.Pytester, compare: Compare, mode: str) -> None:
    mark = "" if mode == "auto" else "@pytest.mark.asyncio"
    suite = SUITE.replace("{marks}", "").replace("{mark}", mark)
    pytester.makepyfile(test_one=suite, test_two=suite)
    args = (f"--asyncio-mode={mode}", junit.OPTION)
    told = compare(*args, plugins=["asyncio"], read=junit.cases)
    # Strictly, a coroutine without the mark is nobody's.
    assert told["forked"].totals["failed"] == (2 if mode == "auto" else 4)
