"""Ctrl-C, SIGTERM and Ctrl-Z while a run is in progress."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

#: Seconds that running tests are given after the first interrupt, and again for their teardown.
GRACE = 5.0


@contextmanager
def handled(
    interrupt: Callable[[int], None], halt: Callable[[], None], resume: Callable[[], None]
) -> Generator[None]:
    """While inside, signals reach the workers as well.

    Outside of the main thread signals cannot be handled; they then act as they always did.

    Args:
        interrupt: Called for Ctrl-C and SIGTERM, with the number of interrupts so far.
        halt: Called for Ctrl-Z, before this process stops.
        resume: Called when it goes on.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    count = 0

    def handle(_number: int, _frame: FrameType | None) -> None:
        nonlocal count
        count += 1
        interrupt(count)

    def stop(number: int, _frame: FrameType | None) -> None:
        # Workers lead groups of their own: the terminal's Ctrl-Z does not reach them.
        halt()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        signal.signal(number, stop)
        resume()

    handlers: dict[signal.Signals, Callable[[int, FrameType | None], None]]
    handlers = {signal.SIGINT: handle, signal.SIGTERM: handle}
    if signal.getsignal(signal.SIGTSTP) != signal.SIG_IGN:
        handlers[signal.SIGTSTP] = stop
    previous = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
