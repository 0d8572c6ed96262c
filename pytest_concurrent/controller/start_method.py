"""Whether workers can be forked from this process, or have to be started."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from pytest_concurrent.compat import envwatch, rerunfailures
from pytest_concurrent.controller import hazards
from pytest_concurrent.fork import fork
from pytest_concurrent.settings import Settings

#: Threads of native libraries that sleep through a fork without harm to the child: allocators'
#: housekeeping. Found by running the libraries' own tests in forked children.
_HARMLESS_THREADS = ("jemalloc_bg_thd", "polars-ooc-clea", "mimalloc")


class Start(NamedTuple):
    """How workers start.

    Attributes:
        method: ``fork`` or ``spawn``.
        reason: Why not the usual one; may be empty.
    """

    method: str
    reason: str = ""


def choose(config: pytest.Config, settings: Settings, threads: Iterable[str] = ()) -> Start:
    """How workers are to start.

    Args:
        config: pytest's configuration.
        settings: What was asked for.
        threads: Names of those that were seen at a fork, as far as there has been one.
    """
    if settings.start != "auto":
        source = settings.source("start").removesuffix(" on the command line")
        return Start(settings.start, source if settings.start == "spawn" else "")
    reasons = (*_reasons_not_to_fork(config), because_of(threads))
    return next((Start("spawn", reason) for reason in reasons if reason), Start("fork"))


def threads_at_a_fork(config: pytest.Config) -> tuple[str, ...]:
    """Names of threads that a fork would not take along, found by a fork that comes to nothing."""
    pid = fork()
    if pid == 0:
        os._exit(0)
    try:
        return live_threads(config)
    finally:
        os.waitpid(pid, 0)


def because_of(threads: Iterable[str]) -> str:
    """Why a process with these threads is not forked; empty if there are none."""
    named = ", ".join(dict.fromkeys(threads))
    return f"threads are alive: {named}" if named else ""


def live_threads(config: pytest.Config) -> tuple[str, ...]:
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


def _reasons_not_to_fork(config: pytest.Config) -> Iterator[str]:
    if sys.platform != "linux":
        yield f"{sys.platform} has no safe fork"
    if device := hazards.graphics_device():
        yield f"{device}, and would be unusable after a fork"
    for reading in envwatch.readings():
        yield f"{reading}, which a fork would share"
    if reason := because_of(python_threads(config)):
        yield reason


def python_threads(config: pytest.Config) -> tuple[str, ...]:
    """Names of Python's threads beside this one and those that are known to do no harm."""
    others = set(threading.enumerate()) - {threading.current_thread()}
    return tuple(sorted(one.name for one in others - rerunfailures.threads(config)))


def _thread_name(task: Path) -> str:
    try:
        return (task / "comm").read_text().strip()
    except OSError:  # it has ended since
        return ""
