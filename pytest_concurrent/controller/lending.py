"""The terminal while a worker's debugger has it: nobody here writes there or acts on its keys."""

from __future__ import annotations

import os
import signal
import sys
import termios
import threading
from contextlib import suppress
from typing import Any

import pytest

from pytest_concurrent._engine import Supervisor
from pytest_concurrent.reporting.batch import BatchedFile
from pytest_concurrent.reporting.progress import PlainProgress

_INPUT = 0


class Lending:
    """Makes the terminal free for a worker, and takes it back.

    Args:
        config: pytest's configuration.
        progress: Tells people.
        several_workers: Whether it has to be said who stops.

    Attributes:
        active: Whether the terminal is lent, or about to be.
    """

    def __init__(
        self, config: pytest.Config, progress: PlainProgress, *, several_workers: bool
    ) -> None:
        self._capture: Any = config.pluginmanager.getplugin("capturemanager")
        self._progress = progress
        self._several_workers = several_workers
        self._waiting: tuple[int, int | None] | None = None
        self._handler: Any = None
        self._modes: list[Any] | None = None
        self.active = False

    def announce(self, slot: int, test: int | None) -> None:
        """A worker waits for the terminal: whatever else is heard from now on has to wait."""
        self.active = True
        self._waiting = (slot, test)

    def lend(self, supervisor: Supervisor, batch: BatchedFile | None) -> None:
        """Let a worker that waits have the terminal, once nothing is left to be written."""
        if self._waiting is None:
            return
        (slot, test), self._waiting = self._waiting, None
        if self._several_workers:
            self._progress.debugger(slot, test)
        self._progress.leave_line()
        if batch is not None:
            batch.release()
        sys.stdout.flush()
        if self._capture is not None:
            self._capture.suspend(in_=True)
        if os.isatty(_INPUT):
            with suppress(termios.error):
                self._modes = termios.tcgetattr(_INPUT)
            if threading.current_thread() is threading.main_thread():
                # Ctrl-C reaches everybody who sits at the terminal, and is meant for the debugger.
                self._handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
        supervisor.lend_terminal(slot)

    def end(self) -> None:
        """The terminal is back, or the run is over."""
        self.active = False
        self._waiting = None
        handler, self._handler = self._handler, None
        if handler is not None:
            signal.signal(signal.SIGINT, handler)
        modes, self._modes = self._modes, None
        if modes is not None and os.tcgetpgrp(_INPUT) == os.getpgrp():
            # A worker that died at its prompt leaves the terminal without echo.
            with suppress(termios.error):
                termios.tcsetattr(_INPUT, termios.TCSADRAIN, modes)
        if self._capture is not None:
            self._capture.resume_global_capture()
            self._capture.suspend_global_capture(in_=False)
