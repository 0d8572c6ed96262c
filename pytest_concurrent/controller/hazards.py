"""What of this process forked workers would inherit and share: for people to look at."""

from __future__ import annotations

import os
import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

#: Device files of graphics processors; a process that holds one open has initialised its driver.
_DEVICES = ("/dev/nvidia", "/dev/kfd", "/dev/dri/renderD")


def open_sockets() -> list[str]:
    """Every socket of the internet that this process holds, with its ends, in words.

    What two processes say through one connection gets mixed up. Sockets of other families are
    left out: event loops and our own processes use them, and nobody shares them by name.
    """
    return [text for number in _descriptors() if (text := _described(number))]


def graphics_device() -> str | None:
    """What says that a graphics processor was initialised here; None = nothing does.

    A context of CUDA does not survive a fork.
    """
    torch: Any = sys.modules.get("torch")
    with suppress(Exception):  # a torch without CUDA, or one that is half imported
        if torch is not None and torch.cuda.is_initialized():
            return "torch.cuda is initialised"
    for number in _descriptors():
        with suppress(OSError):
            target = os.readlink(f"/proc/self/fd/{number}")
            if target.startswith(_DEVICES):
                return f"{target} is open"
    return None


def _descriptors() -> Iterator[int]:
    with suppress(OSError):
        yield from sorted(int(entry.name) for entry in Path("/proc/self/fd").iterdir())


def _described(number: int) -> str:
    # It may be closed by now; and the object gets a copy, so that closing it closes nothing.
    with suppress(OSError):
        if not stat.S_ISSOCK(os.fstat(number).st_mode):
            return ""
        with socket.socket(fileno=os.dup(number)) as found:
            if found.family not in (socket.AF_INET, socket.AF_INET6):
                return ""
            kind = "tcp" if found.type == socket.SOCK_STREAM else "udp"
            near = _address(found.getsockname())
            try:
                return f"{kind} {near} to {_address(found.getpeername())} (descriptor {number})"
            except OSError:
                return f"{kind} {near} (descriptor {number})"
    return ""


def _address(name: Any) -> str:
    host, port = name[0], name[1]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
