"""Ctrl-C and SIGTERM while a run is in progress."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

#: Seconds that running tests are given after the first interrupt, and again for their teardown.
GRACE = 5.0


@contextmanager
def handled(interrupt: Callable[[int], None]) -> Generator[None]:
    """While inside, an interrupt calls `interrupt` with the number of interrupts so far.

    Outside of the main thread signals cannot be handled; they then act as they always did.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    count = 0

    def handle(_number: int, _frame: FrameType | None) -> None:
        nonlocal count
        count += 1
        interrupt(count)

    previous = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
