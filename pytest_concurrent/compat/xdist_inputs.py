"""What `pytest_configure_node` puts into `node.workerinput`, on its way to a forked worker."""

from __future__ import annotations

import os
import pickle
import struct
from collections.abc import Sequence
from typing import Any

#: Which process on the slot it is for, and how many bytes follow.
_HEADER = struct.Struct("!IQ")


class WorkerInputs:
    """Made before the zygote is forked, and inherited by every worker.

    First workers inherit the values themselves. For a replacement they are made when it is being
    started, long after the fork, so it waits for them: in a file that all share, at a word through
    a pipe. Only the controller writes, so what comes is as trustworthy as the code it came with.

    Args:
        first: For the first process on each slot.
    """

    def __init__(self, first: Sequence[dict[str, Any]]) -> None:
        self._first = list(first)
        self._files = [os.memfd_create("workerinput") for _ in first]
        self._pipes = [os.pipe() for _ in first]

    def send(self, slot: int, attempt: int, values: dict[str, Any]) -> None:
        """In the controller: give a replacement what it is to have."""
        data = pickle.dumps(values)
        os.pwrite(self._files[slot], _HEADER.pack(attempt, len(data)) + data, 0)
        os.write(self._pipes[slot][1], b"!")

    def receive(self, slot: int, attempt: int) -> dict[str, Any]:
        """In a worker: what it was given. Waits for it as long as a worker may take to start."""
        if attempt == 1:
            return self._first[slot]
        while True:
            header = os.pread(self._files[slot], _HEADER.size, 0)
            if len(header) == _HEADER.size:
                addressee, size = _HEADER.unpack(header)
                if addressee >= attempt:
                    data = os.pread(self._files[slot], size, _HEADER.size)
                    values: dict[str, Any] = pickle.loads(data)
                    return values
            os.read(self._pipes[slot][0], 1)

    def close(self) -> None:
        """In the controller, when no worker is left."""
        for descriptor in [*self._files, *(end for pipe in self._pipes for end in pipe)]:
            os.close(descriptor)
