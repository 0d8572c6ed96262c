"""The fork of the zygote: what must be settled before, and whether it was safe."""

from __future__ import annotations

import gc
import os
import random
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from pytest_concurrent._engine import Page, give_back_memory
from pytest_concurrent.compat import django, seeds
from pytest_concurrent.compat.xdist_inputs import WorkerInputs
from pytest_concurrent.controller.start_method import live_threads
from pytest_concurrent.fork import fork
from pytest_concurrent.worker import zygote
from pytest_concurrent.worker.birth import Legacy
from pytest_concurrent.worker.nextitem import may_be_lazy


@dataclass(frozen=True)
class Zygote:
    """What the controller holds of its zygote. The descriptors are the supervisor's to take.

    Attributes:
        socket: Descriptor of the zygote's socket.
        pid: Its process id.
        spare: Descriptor of its spare's socket.
        lifeline: Write end of the pipe whose end the workers do not survive.
        threads: Names of threads that were alive at the fork, which makes children unsafe.
    """

    socket: int
    pid: int
    spare: int
    lifeline: int
    threads: tuple[str, ...]

    def abandon(self) -> None:
        """Let go of a zygote that no supervisor took over."""
        os.close(self.socket)
        os.close(self.spare)
        self.end()

    def end(self) -> None:
        """End a zygote whose supervisor could not start and has let go of the sockets."""
        # That ends the spare.
        self.cut_lifeline()
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def cut_lifeline(self) -> None:
        """Nobody is left who needs it."""
        os.close(self.lifeline)


def fork_zygote(
    session: pytest.Session,
    page: Page,
    *,
    workers: int,
    run_id: str,
    fixtures: dict[str, int],
    freeze: bool,
    inputs: WorkerInputs | None,
) -> Zygote:
    """Fork the collected session.

    Args:
        session: The session, collected.
        page: The page to share.
        workers: Number of slots.
        run_id: The run's id.
        fixtures: Numbers of shared set-ups, by key.
        inputs: What plugins give to each worker; None where none has a say in it.
        freeze: Whether to move all objects out of the garbage collector's sight first: its marks
            would otherwise copy every page in every worker (networkx: 0.7 s of 3.5 s saved).
    """
    _settle(session.config)
    read_end, write_end = os.pipe()
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    spare_near, spare_far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    legacy = Legacy(
        session=session,
        page=page,
        workers=workers,
        run_id=run_id,
        group=os.getpgrp(),
        lifeline=read_end,
        fixtures=fixtures,
        random_state=random.getstate() if seeds.random_was_seeded() else None,
        numpy_seeded=seeds.numpy_was_seeded(),
        lazy=may_be_lazy(session.config),
        inputs=inputs,
    )
    if freeze:
        gc.freeze()
    # Children tidy what is free too; what is tidy already they need not copy for it.
    give_back_memory()
    try:
        pid = fork()
    except OSError:
        for end in (near, far, spare_near, spare_far):
            end.close()
        os.close(read_end)
        os.close(write_end)
        raise
    if pid == 0:
        near.close()
        spare_near.close()
        os.close(write_end)
        zygote.live(far.detach(), spare_far.detach(), legacy)
    far.close()
    spare_far.close()
    os.close(read_end)
    return Zygote(near.detach(), pid, spare_near.detach(), write_end, live_threads(session.config))


def _settle(config: pytest.Config) -> None:
    """Finish what children must not inherit half done."""
    django.close_connections()
    factory: Any = getattr(config, "_tmp_path_factory", None)
    if factory is not None:
        # Otherwise each worker would make a folder for a run of its own.
        factory.getbasetemp()
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        # Somebody may have closed it, or what reads it may be gone.
        with suppress(OSError, ValueError):
            if stream is not None:
                stream.flush()
