"""What the controller reads from and writes to, kept in each worker for its debugger."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pytest_concurrent.worker import lifeline

_STANDARD = (0, 1, 2)

#: What stops a process that reads from its terminal, or sets its modes, from the background.
_BACKGROUND = (signal.SIGTTIN, signal.SIGTTOU)


@dataclass(frozen=True)
class Console:
    """The controller's standard descriptors and its process group.

    Attributes:
        descriptors: Copies of its descriptors 0, 1 and 2.
        group: Its process group.
        lifeline: The worker's hold on the controller's life.
    """

    descriptors: tuple[int, ...]
    group: int
    lifeline: int

    @classmethod
    def keep(cls, group: int, held: int) -> Console:
        """Copy what stands at 0, 1 and 2: before anything of the worker's own does."""
        return cls(tuple(_copy(number) for number in _STANDARD), group, held)

    def enter(self) -> Entered:
        """Put the controller's descriptors in the place of the worker's, until `leave`.

        If it reads from a terminal the worker joins the controller's process group: only so it may
        read there, is reached by Ctrl-C, and stops with all of the job at Ctrl-Z. Nothing may
        signal that group on its behalf meanwhile.
        """
        handlers = _join(self) if os.isatty(self.descriptors[0]) else None
        own = tuple(_copy(number) for number in _STANDARD)
        for source, target in zip(self.descriptors, _STANDARD, strict=True):
            os.dup2(source, target, inheritable=True)
        return Entered(self, own, handlers)


@dataclass(frozen=True)
class Entered:
    """A stay on the controller's console.

    Attributes:
        console: Where.
        own: The worker's own descriptors.
        handlers: Signal handlers to put back; None if it did not join the group.
    """

    console: Console
    own: tuple[int, ...]
    handlers: dict[signal.Signals, Any] | None

    def leave(self) -> None:
        """Put the worker's descriptors back, and lead a group of its own again."""
        for source, target in zip(self.own, _STANDARD, strict=True):
            os.dup2(source, target, inheritable=True)
            os.close(source)
        if self.handlers is not None:
            os.setpgid(0, 0)
            lifeline.kills(self.console.lifeline, -os.getpid())
            for number, handler in self.handlers.items():
                signal.signal(number, handler)


def _join(console: Console) -> dict[signal.Signals, Any]:
    # The group that dies with the controller is empty meanwhile, or holds only what tests started.
    lifeline.kills(console.lifeline, os.getpid())
    with suppress(OSError):  # the group is gone, or belongs to another session: then reading fails
        os.setpgid(0, console.group)
    if threading.current_thread() is not threading.main_thread():
        return {}  # only the main thread may change handlers
    return {number: signal.signal(number, signal.SIG_DFL) for number in _BACKGROUND}


def _copy(descriptor: int) -> int:
    try:
        return os.dup(descriptor)
    except OSError:  # it is closed
        return os.open(os.devnull, os.O_RDWR)
