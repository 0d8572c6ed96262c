"""Makers that are forks of the builder, which is a fork of the collected session."""

from __future__ import annotations

import os
import signal
import tempfile
from typing import NoReturn

from pytest_concurrent.databases.making import Making, Order
from pytest_concurrent.fork import fork


class ForkedMakers:
    """Forks makers.

    Args:
        making: What they do.
    """

    def __init__(self, making: Making) -> None:
        self._making = making

    def start(self, order: Order) -> int:
        """Fork one; its process id."""
        pid = fork()
        if pid == 0:
            self._make(order)
        return pid

    def last_words(self, pid: int) -> str:
        """Nothing: its output has ended with it."""
        return ""

    def _make(self, order: Order) -> NoReturn:
        """Be a maker: prepare one template and leave."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            with tempfile.TemporaryFile() as output:
                for standard in (1, 2):
                    os.dup2(output.fileno(), standard)
                self._making.prepare(order, output)
            status = 0
        finally:
            os._exit(status)
