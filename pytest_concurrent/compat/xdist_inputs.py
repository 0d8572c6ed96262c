"""What `pytest_configure_node` puts into `node.workerinput`, on its way to a worker."""

from __future__ import annotations

import os
import pickle
import struct
from collections.abc import Sequence
from typing import Any

#: Which process on the slot it is for, and how many bytes follow.
_HEADER = struct.Struct("!IQ")

_BUILTIN = (str, int, float, bool, bytes, type(None))


class WorkerInputs:
    """Made before the zygote is forked, and inherited by every worker.

    First workers inherit the values themselves, or are told them. For a replacement they are made
    when it is being started, so it waits for them: in a file that all share, at a word through a
    pipe. Only the controller writes, so what comes is as trustworthy as the code it came with.

    Args:
        first: For the first process on each slot.

    Attributes:
        abroad: Whether workers have no object of this process: what is not builtin then goes as
            text, as it does to the first.
    """

    abroad = False

    def __init__(self, first: Sequence[dict[str, Any]]) -> None:
        self._first = list(first)
        self._files = [os.memfd_create("workerinput") for _ in first]
        self._pipes = [os.pipe() for _ in first]

    def send(self, slot: int, attempt: int, values: dict[str, Any]) -> None:
        """In the controller: give a replacement what it is to have."""
        data = pickle.dumps(_builtin(values) if self.abroad else values)
        os.pwrite(self._files[slot], _HEADER.pack(attempt, len(data)) + data, 0)
        os.write(self._pipes[slot][1], b"!")

    def receive(self, slot: int, attempt: int) -> dict[str, Any]:
        """In a worker: what it was given. Waits for it as long as a worker may take to start."""
        if attempt == 1:
            return self._first[slot]
        return awaited(*self.ends(slot), attempt)

    def ends(self, slot: int) -> tuple[int, int]:
        """What a worker on this slot needs for `awaited`: file and pipe."""
        return self._files[slot], self._pipes[slot][0]

    def close(self) -> None:
        """In the controller, when no worker is left."""
        for descriptor in [*self._files, *(end for pipe in self._pipes for end in pipe)]:
            os.close(descriptor)


def awaited(file: int, pipe: int, attempt: int) -> dict[str, Any]:
    """In a replacement: what it was given.

    Args:
        file: Descriptor of the file.
        pipe: Descriptor of the pipe.
        attempt: Which process on its slot this is.
    """
    while True:
        header = os.pread(file, _HEADER.size, 0)
        if len(header) == _HEADER.size:
            addressee, size = _HEADER.unpack(header)
            if addressee >= attempt:
                values: dict[str, Any] = pickle.loads(os.pread(file, size, _HEADER.size))
                return values
        os.read(pipe, 1)


def _builtin(value: Any) -> Any:
    if type(value) is dict:
        return {_builtin(key): _builtin(one) for key, one in value.items()}
    if type(value) in (list, tuple, set, frozenset):
        return type(value)(map(_builtin, value))
    return value if type(value) in _BUILTIN else repr(value)
