"""The processes of one run: who they are, and how to reach them and nobody else."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

#: Carried by every process of a run, in the environment that it was born with.
MARK = "PYTEST_CONCURRENT_SOAK"


class Family:
    """The processes that carry a mark.

    Args:
        mark: What they carry.
        controller: The one that was started.
        events: The run's event stream, which names the workers.
    """

    def __init__(self, mark: str, controller: int, events: Path) -> None:
        self._mark = f"{MARK}={mark}".encode()
        self._controller = controller
        self._events = events
        self._read = 0
        self._rest = b""
        #: Every worker so far.
        self.workers: list[int] = []
        #: Whether the run has said that it is over.
        self.is_over = False

    def alive(self) -> list[int]:
        """Every process of the run that is there and not a zombie."""
        return [pid for pid in _processes() if self._is_of_it(pid) and _state(pid)[0] not in "ZX"]

    def look(self) -> None:
        """Learn from the stream which workers were started."""
        if not self._events.exists():
            return
        with self._events.open("rb") as file:
            file.seek(self._read)
            text = file.read()
        self._read += len(text)
        *lines, self._rest = (self._rest + text).split(b"\n")
        for line in lines:
            if b'"event":"worker_started"' in line:
                self.workers.append(_pid_in(line))
            self.is_over |= b'"event":"run_finished"' in line

    def living_workers(self) -> list[int]:
        """The workers that still are there, the latest first."""
        return [pid for pid in reversed(self.workers) if self._is_of_it(pid)]

    def zygotes(self) -> list[int]:
        """What forks workers, and its spare: in this order, as far as they live."""
        others = [pid for pid in self.alive() if pid not in (self._controller, *self.workers)]
        first = [pid for pid in others if _parent(pid) == self._controller]
        return [*first, *(pid for pid in others if _parent(pid) in first)]

    def signal(self, pid: int, number: signal.Signals) -> bool:
        """Signal a process of the run; False = it is gone. Another with its number is spared."""
        try:
            descriptor = os.pidfd_open(pid)
        except OSError:
            return False
        try:
            if not self._is_of_it(pid):
                return False
            signal.pidfd_send_signal(descriptor, number)
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return True

    def _is_of_it(self, pid: int) -> bool:
        try:
            return self._mark in Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return False


def _pid_in(line: bytes) -> int:
    return int(line.partition(b'"pid":')[2].split(b",")[0].rstrip(b"}"))


def _processes() -> Iterator[int]:
    return (int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit())


def _state(pid: int) -> list[str]:
    """State, parent and so on: the fields after the name."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["X", "0"]


def _parent(pid: int) -> int:
    return int(_state(pid)[1])
