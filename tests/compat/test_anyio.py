"""anyio's tests run on a loop of their worker, fixtures of wider scope included."""

from __future__ import annotations

import pytest

from . import junit
from .modes import Compare

SUITE = """
import anyio
import pytest

pytestmark = pytest.mark.anyio

BACKENDS = {"plain": "asyncio", "debug": ("asyncio", {"debug": True})}

@pytest.fixture(scope="module", params=BACKENDS.values(), ids=BACKENDS)
def anyio_backend(request): return request.param

@pytest.fixture(scope="module")
async def channel(anyio_backend):
    send, receive = anyio.create_memory_object_stream(5)
    async with send, receive:
        yield send, receive

@pytest.mark.parametrize("number", range(3))
async def test_channel(channel, number):
    send, receive = channel
    await send.send(number)
    assert await receive.receive() == number

async def test_group():
    async with anyio.create_task_group() as group:
        group.start_soon(anyio.sleep, 0)

async def test_group_fails():
    async def fail(): raise ValueError("in a task")
    async with anyio.create_task_group() as group:
        group.start_soon(fail)

async def test_cancelled():
    with anyio.move_on_after(0.01) as scope:
        await anyio.sleep(10)
    assert scope.cancelled_caught
"""


def test_loops_are_equal(pytester: pytest.Pytester, compare: Compare) -> None:
    pytester.makepyfile(test_one=SUITE, test_two=SUITE)
    told = compare(junit.OPTION, plugins=["anyio"], read=junit.outlines)
    assert told["forked"].totals == {"passed": 20, "failed": 4}
