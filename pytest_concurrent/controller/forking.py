"""The fork of the zygote: what must be settled before, and whether it was safe."""

from __future__ import annotations

import gc
import os
import random
import signal
import socket
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pytest_concurrent._engine import Page
from pytest_concurrent.compat import django, rerunfailures, seeds
from pytest_concurrent.compat.xdist_inputs import WorkerInputs
from pytest_concurrent.worker import zygote
from pytest_concurrent.worker.birth import Legacy
from pytest_concurrent.worker.nextitem import may_be_lazy

#: Threads of native libraries that sleep through a fork without harm to the child: allocators'
#: housekeeping. Found by running the libraries' own tests in forked children.
_HARMLESS_THREADS = ("jemalloc_bg_thd", "polars-ooc-clea", "mimalloc")


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
        os.close(self.lifeline)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


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
        lifeline=read_end,
        fixtures=fixtures,
        random_state=random.getstate() if seeds.random_was_seeded() else None,
        numpy_seeded=seeds.numpy_was_seeded(),
        lazy=may_be_lazy(session.config),
        inputs=inputs,
    )
    if freeze:
        gc.freeze()
    pid = os.fork()
    if pid == 0:
        near.close()
        spare_near.close()
        os.close(write_end)
        zygote.live(far.detach(), spare_far.detach(), legacy)
    far.close()
    spare_far.close()
    os.close(read_end)
    return Zygote(near.detach(), pid, spare_near.detach(), write_end, _live_threads(session.config))


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


def python_threads(config: pytest.Config) -> tuple[str, ...]:
    """Names of Python's threads beside this one and those that are known to do no harm."""
    others = set(threading.enumerate()) - {threading.current_thread()}
    return tuple(sorted(one.name for one in others - rerunfailures.threads(config)))


def threads_at_a_fork(config: pytest.Config) -> tuple[str, ...]:
    """Names of threads that a fork would not take along, found by a fork that comes to nothing."""
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    try:
        return _live_threads(config)
    finally:
        os.waitpid(pid, 0)


def _live_threads(config: pytest.Config) -> tuple[str, ...]:
    """Names of all threads beside this one, as the kernel knows them, and the harmless ones.

    To be looked at right after the fork: some libraries end their threads in a fork handler.
    """
    try:
        tasks = list(Path("/proc/self/task").iterdir())
    except OSError:
        return ()
    harmless = {os.getpid(), *(thread.native_id for thread in rerunfailures.threads(config))}
    names = (_thread_name(task) for task in tasks if int(task.name) not in harmless)
    return tuple(sorted(name for name in names if name and not name.startswith(_HARMLESS_THREADS)))


def _thread_name(task: Path) -> str:
    try:
        return (task / "comm").read_text().strip()
    except OSError:  # it has ended since
        return ""
