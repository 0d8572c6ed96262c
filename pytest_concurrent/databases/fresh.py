"""Builder and makers that are no forks: for a process whose threads a fork would leave behind."""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Any, NoReturn

from pytest_concurrent.databases.builder import Builder, stand_aside
from pytest_concurrent.databases.keeper import Door, Keeper
from pytest_concurrent.databases.making import Order, tail
from pytest_concurrent.payload.instructions import Afresh, Instructions


@dataclass(frozen=True)
class Commission:
    """What a maker is told.

    Attributes:
        order: The template.
        instructions: How to collect.
        door: The descriptor by which the keeper is reached.
    """

    order: Order
    instructions: Instructions
    door: int


@dataclass(frozen=True)
class _Task:
    """What the builder is told."""

    orders: Sequence[Order]
    clones: int
    afresh: Afresh
    door: int
    listening: int
    telling: int


class FreshMakers:
    """Starts makers that collect by themselves.

    Args:
        afresh: How.
        door: The descriptor by which the keeper is reached.
    """

    def __init__(self, afresh: Afresh, door: int) -> None:
        self._afresh = afresh
        self._door = door
        self._outputs: dict[int, IO[bytes]] = {}

    def start(self, order: Order) -> int:
        """Start one; its process id."""
        output = tempfile.TemporaryFile()  # noqa: SIM115 - open until the maker has ended
        commission = Commission(order, self._afresh.instructions, self._door)
        pid = _start(self._afresh.maker, self._afresh, commission, [self._door], output)
        self._outputs[pid] = output
        return pid

    def last_words(self, pid: int) -> str:
        """The end of what one has printed."""
        with self._outputs.pop(pid) as output:
            return tail(output)


def start_builder(orders: Sequence[Order], door: Door, afresh: Afresh, *, clones: int) -> int:
    """Start the builder; its process id.

    Args:
        orders: What to begin with.
        door: Where the keeper is reached.
        afresh: How processes start.
        clones: How many clones of each template to make ahead.
    """
    # Entered here: if it dies before it has said a word, whoever waits for it hears of that.
    keepers = [door.enter("builder"), door.enter("builder")]
    given = [door.fileno(), *(keeper.fileno() for keeper in keepers)]
    try:
        task = _Task(orders, clones, afresh, *given)
        return _start(afresh.builder, afresh, task, given, subprocess.DEVNULL)
    finally:
        for keeper in keepers:
            keeper.release()


def live() -> NoReturn:
    """Be the builder that whoever started this process wants."""
    try:
        stand_aside()
        task: _Task = received()
        listening, telling = (Keeper(_end(one)) for one in (task.listening, task.telling))
        os.set_inheritable(task.door, False)
        makers = FreshMakers(task.afresh, task.door)
        Builder(makers, clones=task.clones).live(task.orders, listening, telling)
    finally:
        os._exit(0)


def received() -> Any:
    """What this process was told by whoever started it; its standard input is empty afterwards."""
    told = pickle.load(sys.stdin.buffer)
    with open(os.devnull, "rb") as null:
        os.dup2(null.fileno(), 0)
    return told


def _end(descriptor: int) -> socket.socket:
    os.set_inheritable(descriptor, False)
    return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=descriptor)


def _start(
    command: list[str], afresh: Afresh, task: object, given: Sequence[int], output: IO[bytes] | int
) -> int:
    """Start a process and return its id; what it is told waits on its standard input."""
    # In memory: passwords are in it.
    with os.fdopen(os.memfd_create("pytest-concurrent-task"), "w+b") as told:
        pickle.dump(task, told)
        told.seek(0)
        process = subprocess.Popen(
            command,
            cwd=afresh.folder,
            env=afresh.environment,
            pass_fds=given,
            stdin=told,
            stdout=output,
            stderr=output,
        )
    # Nobody but whoever gets its id waits for it.
    process.returncode = 0
    return process.pid
