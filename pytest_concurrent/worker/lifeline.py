"""The lifeline: the kernel kills a worker and all that it started when the controller is gone."""

from __future__ import annotations

import fcntl
import os
import signal


def hold(descriptor: int) -> None:
    """Have this process's group killed when the pipe becomes readable, which it does at its end.

    The read end is opened anew, because the owner of the signal belongs to the open file, which
    all workers would otherwise share. No thread and no signal handler is needed, and unlike the
    parent-death signal it does not fire when the zygote dies, and it reaches grandchildren.

    Args:
        descriptor: The inherited read end.
    """
    own = os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    os.close(descriptor)
    fcntl.fcntl(own, fcntl.F_SETSIG, signal.SIGKILL)  # type: ignore[attr-defined, unused-ignore]
    fcntl.fcntl(own, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(own, fcntl.F_SETFL, fcntl.fcntl(own, fcntl.F_GETFL) | os.O_ASYNC)
    if _at_end(own):
        # The controller died before the signal was armed.
        os.killpg(0, signal.SIGKILL)


def _at_end(descriptor: int) -> bool:
    try:
        return os.read(descriptor, 1) == b""
    except BlockingIOError:
        return False
