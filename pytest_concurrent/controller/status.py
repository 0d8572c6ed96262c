"""`kill -USR1` of the controller: what is the run doing?"""

from __future__ import annotations

import atexit
import os
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType

import pytest

from pytest_concurrent.reporting.terminal import Terminal

#: The signals that ask. Terminals of the BSD family send SIGINFO at Ctrl-T.
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGUSR1", "SIGINFO") if hasattr(signal, name))


class StatusSignal:
    """Answers from the configuration of pytest to its end, so that the signal never ends the run.

    A handler of somebody else's is left alone, and in forked children none of ours is left.

    Args:
        terminal: Where to answer.
    """

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._ask = self._say_that_nothing_runs
        self._installed: list[int] = []

    def install(self, config: pytest.Config) -> None:
        """Answer until pytest is done."""
        if threading.current_thread() is not threading.main_thread():
            return  # only the main thread can handle signals
        for number in filter(_is_free, _SIGNALS):
            signal.signal(number, self._handle)
            self._installed.append(number)
        os.register_at_fork(after_in_child=partial(self._hand_on, signal.SIG_DFL))
        config.add_cleanup(partial(self._hand_on, _not_any_more))

    @contextmanager
    def asks(self, ask: Callable[[], None]) -> Generator[None]:
        """While inside, somebody else answers."""
        self._ask = ask
        try:
            yield
        finally:
            self._ask = self._say_that_nothing_runs

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        self._ask()

    def _say_that_nothing_runs(self) -> None:
        self._terminal.between_tests(" no test runs now", word="concurrent:")

    def _hand_on(self, handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
        for number in self._installed:
            if signal.getsignal(number) == self._handle:
                signal.signal(number, handler)
        self._installed.clear()


def _not_any_more(_number: int, _frame: FrameType | None) -> None:
    """Who asks in the moment in which pytest leaves is not to end it."""


@atexit.register
def _stay_deaf() -> None:
    """Python ends with the defaults of what it handled, but leaves ignored what is ignored."""
    for number in _SIGNALS:
        if signal.getsignal(number) is _not_any_more:
            signal.signal(number, signal.SIG_IGN)


def _is_free(number: int) -> bool:
    """Whether nobody handles the signal; not all who do can be seen from Python."""
    handler = signal.getsignal(number)
    if handler is _not_any_more:
        return True
    if handler != signal.SIG_DFL:
        return False
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return True
    masks = (line.split()[1] for line in lines if line.startswith("SigCgt:"))
    return not any(int(mask, 16) >> (number - 1) & 1 for mask in masks)
