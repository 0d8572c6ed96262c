"""The lifeline: the kernel kills a worker and all that it started when the controller is gone."""

from __future__ import annotations

import fcntl
import os
import signal


def hold_alone(descriptor: int) -> None:
    """Have this process alone killed when the controller is gone, even where it is stopped.

    Args:
        descriptor: The inherited read end; it stays open for the children.
    """
    _arm(descriptor, os.getpid())


def hold(descriptor: int) -> int:
    """Have this process's group killed when the pipe becomes readable, which it does at its end.

    The read end is opened anew, because the owner of the signal belongs to the open file, which
    all workers would otherwise share. No thread and no signal handler is needed, and unlike the
    parent-death signal it does not fire when the zygote dies, and it reaches grandchildren.

    Args:
        descriptor: The inherited read end.

    Returns:
        The end that is held, for `kills`.
    """
    own = _arm(descriptor, -os.getpgrp())
    os.close(descriptor)
    return own


def _arm(descriptor: int, owner: int) -> int:
    own = os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.fcntl(own, fcntl.F_SETSIG, signal.SIGKILL)  # type: ignore[attr-defined, unused-ignore]
    kills(own, owner)
    fcntl.fcntl(own, fcntl.F_SETFL, fcntl.fcntl(own, fcntl.F_GETFL) | os.O_ASYNC)
    if _at_end(own):
        # The controller died before the signal was armed.
        os.kill(owner, signal.SIGKILL)
    return own


def kills(held: int, target: int) -> None:
    """Say whom the kernel kills: a process, or with a negative number its group."""
    fcntl.fcntl(held, fcntl.F_SETOWN, target)


def _at_end(descriptor: int) -> bool:
    try:
        return os.read(descriptor, 1) == b""
    except BlockingIOError:
        return False
