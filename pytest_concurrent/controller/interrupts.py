"""Ctrl-C, SIGTERM, a closed terminal and Ctrl-Z while a run is in progress."""

from __future__ import annotations

import os
import select
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
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
        interrupt: Called for Ctrl-C, SIGTERM and SIGHUP, with the number of interrupts so far.
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

    def hang_up(number: int, frame: FrameType | None) -> None:
        # With no descriptor left there is nothing to be done about what nobody reads.
        with suppress(OSError):
            _leave_dead_streams()
        # The system sends it when a terminal is closed, and a shell then sends it once more.
        if not count:
            handle(number, frame)

    def stop(number: int, _frame: FrameType | None) -> None:
        # Workers lead groups of their own: the terminal's Ctrl-Z does not reach them.
        halt()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        signal.signal(number, stop)
        resume()

    handlers: dict[signal.Signals, Callable[[int, FrameType | None], None]]
    handlers = {signal.SIGINT: handle, signal.SIGTERM: handle}
    if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:  # not under nohup
        handlers[signal.SIGHUP] = hang_up
    if signal.getsignal(signal.SIGTSTP) != signal.SIG_IGN:
        handlers[signal.SIGTSTP] = stop
    previous = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _leave_dead_streams() -> None:
    """Nobody is at the other end any more, and what is still written must not fail for it."""
    streams = select.poll()
    for standard in (0, 1, 2):
        streams.register(standard, 0)
    dead = [one for one, state in streams.poll(0) if state & (select.POLLHUP | select.POLLERR)]
    # pytest's capture keeps copies under other numbers and puts them back.
    copies = [
        copy
        for copy in map(int, os.listdir("/proc/self/fd"))
        if any(_lead_to_one_end(copy, one) for one in dead)
    ]
    null = os.open(os.devnull, os.O_RDWR)
    for copy in copies:
        os.dup2(null, copy, inheritable=os.get_inheritable(copy))
    os.close(null)


def _lead_to_one_end(one: int, other: int) -> bool:
    try:
        return os.path.sameopenfile(one, other)
    except OSError:  # the listing's own
        return False
