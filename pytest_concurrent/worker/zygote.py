"""The zygote: the collected session, frozen. It runs no test and forks workers on request."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from typing import Any, NoReturn

from pytest_concurrent._engine import ZygoteLink
from pytest_concurrent.fork import fork
from pytest_concurrent.worker import lifeline
from pytest_concurrent.worker.birth import Birth, Legacy
from pytest_concurrent.worker.loop import live as live_as_worker


def live(zygote: int, spare: int, legacy: Legacy) -> NoReturn:
    """Be the zygote until the controller lets go of it.

    The first thing it does is to fork its own spare, which takes over when it dies: the
    controller has a thread by then and must not fork any more.

    Args:
        zygote: Descriptor of the zygote's socket.
        spare: Descriptor of the spare's socket.
        legacy: What every worker inherits.
    """
    try:
        # It sits in the terminal's group: Ctrl-C and a closed terminal are for the controller.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        hang_up = signal.getsignal(signal.SIGHUP)
        if hang_up is not None:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        if _fork_or_not() == 0:
            os.close(zygote)
            lifeline.hold_alone(legacy.lifeline)
            link = ZygoteLink(spare)
            link.hello()
        else:
            os.close(spare)
            lifeline.hold_alone(legacy.lifeline)
            link = ZygoteLink(zygote)
        _fork_on_request(link, legacy, hang_up)
    except EOFError:
        # The controller let go of it before it could say who it is.
        os._exit(0)
    except BaseException:
        try:
            traceback.print_exc(file=sys.__stderr__)
        finally:
            os._exit(1)
    os._exit(0)


def _fork_or_not() -> int | None:
    """Fork; None where the system refuses, which is no reason to do without workers."""
    try:
        return fork()
    except OSError:
        return None


def _fork_on_request(link: ZygoteLink, legacy: Legacy, hang_up: Any) -> None:
    while (request := link.next_fork()) is not None:
        slot, attempt, descriptors = request
        try:
            pid = fork()
        except OSError as error:
            link.fork_failed(slot, str(error))
        else:
            if pid == 0:
                link.close()
                if hang_up is not None:
                    signal.signal(signal.SIGHUP, hang_up)
                live_as_worker(Birth(slot, attempt, *descriptors), legacy)
            link.forked(slot, pid)
        for descriptor in descriptors:
            os.close(descriptor)
