"""The builder: has templates built as they are asked for, each in a process of its own.

It starts makers after collection, because tests may define what belongs into a database (models in
test modules). None of them runs a test, so that each template is made from the same clean state.
"""

from __future__ import annotations

import os
import select
import signal
import stat
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Protocol

from pytest_concurrent.databases.keeper import Door, Keeper, hold_no_core
from pytest_concurrent.databases.making import Order
from pytest_concurrent.exceptions import DatabaseTemplateException
from pytest_concurrent.fork import fork


class Makers(Protocol):
    """Starts the processes that make one template each."""

    def start(self, order: Order) -> int:
        """Start one; its process id."""

    def last_words(self, pid: int) -> str:
        """What one has printed that has ended, as far as that is known. To be called once."""


class Builder:
    """Prepares templates as they are asked for.

    Args:
        makers: Starts makers.
        clones: How many clones of each template to make ahead.
    """

    def __init__(self, makers: Makers, *, clones: int) -> None:
        self._makers = makers
        self._clones = clones
        self._running: dict[int, Order] = {}

    def live(self, orders: Sequence[Order], listening: Keeper, telling: Keeper) -> None:
        """Be the builder until the run is over.

        Args:
            orders: What to begin with.
            listening: The conversation in which further ones come.
            telling: The conversation in which is told what failed.
        """
        died, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        for order in orders:
            self._start(order)
        listening.say({"op": "wait_prepare"})
        while True:
            sources: list[Any] = [listening, died]
            ready, _, _ = select.select(sources, [], [])
            if died in ready:
                os.read(died, 4096)
                self._reap(telling)
            if listening in ready:
                message = listening.next_message()
                if message is None or "over" in message.get("ok", message):
                    break
                self._start(self._order(message.get("ok", message)["prepare"]))
                listening.say({"op": "wait_prepare"})
        self._end()

    def _order(self, wanted: dict[str, Any]) -> Order:
        return Order(wanted["alias"], wanted["fingerprint"], wanted.get("settings"), self._clones)

    def _start(self, order: Order) -> None:
        self._running[self._makers.start(order)] = order

    def _reap(self, telling: Keeper) -> None:
        """Whoever waits for a template whose maker died must hear of it."""
        while self._running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            order, said = self._running.pop(pid, None), self._makers.last_words(pid)
            code = os.waitstatus_to_exitcode(status)
            if order is not None and code != 0:
                text = f"the process that built the template for {order.alias!r} died"
                how = f"signal {-code}" if code < 0 else f"exit status {code}"
                telling.request(
                    "fail",
                    alias=order.alias,
                    fingerprint=order.fingerprint,
                    message=f"{text} ({how})",
                    hint=f"It printed:\n{said}" if said else DatabaseTemplateException.hint,
                )

    def _end(self) -> None:
        for pid in self._running:
            os.kill(pid, signal.SIGKILL)
        for pid in self._running:
            os.waitpid(pid, 0)


def start_builder(
    builder: Builder, orders: Sequence[Order], door: Door, inherited: Sequence[Keeper]
) -> int:
    """Fork the builder, and return its process id.

    Args:
        builder: What it is.
        orders: What to begin with.
        door: Where the keeper is reached.
        inherited: The conversations of this process; the child lets go of them.
    """
    pid = fork()
    if pid:
        return pid
    try:
        for keeper in inherited:
            keeper.close()
        stand_aside()
        _let_go_of_terminal()
        builder.live(orders, door.enter("builder"), door.enter("builder"))
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)
    finally:
        os._exit(0)


def stand_aside() -> None:
    """Be no part of what Ctrl-C at the terminal and signals to the controller's group reach."""
    hold_no_core()
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _let_go_of_terminal() -> None:
    """Whoever reads our output waits until the last process that could write has closed it.

    pytest's capture keeps copies of the standard descriptors under other numbers, so every pipe
    and terminal counts: a builder has no business with any.
    """
    with open(os.devnull, "r+b") as null:
        for inherited in map(int, os.listdir("/proc/self/fd")):
            with suppress(OSError):  # the listing's own
                mode = os.fstat(inherited).st_mode
                if inherited < 3 or stat.S_ISFIFO(mode) or os.isatty(inherited):
                    os.dup2(null.fileno(), inherited)
