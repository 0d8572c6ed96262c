"""What must be made new in a worker, in the order in which it must be done after a fork.

The order was found by experiment: each step mends something that came out wrong without it,
silently in most cases. The docstring of each says what.
"""

from __future__ import annotations

import atexit
import faulthandler
import os
import random
import signal
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn
from unittest import mock

import pytest
from _pytest.faulthandler import fault_handler_stderr_fd_key

from pytest_concurrent import _engine
from pytest_concurrent.compat import forked, xdist
from pytest_concurrent.worker import lifeline
from pytest_concurrent.worker.birth import Birth, Legacy
from pytest_concurrent.worker.console import Console


def reset(birth: Birth, legacy: Legacy) -> Console:
    """Make a fork of the zygote a worker. Its socket is not touched.

    Returns:
        The controller's console, for a debugger.
    """
    config = legacy.session.config
    own_group()
    held = lifeline.hold(legacy.lifeline)
    stop_capture(config)
    console = Console.keep(legacy.group, held)
    restart_capture(config, birth)
    factory: Any = getattr(config, "_tmp_path_factory", None)
    if factory is not None:
        own_temp_folder(config, factory.getbasetemp(), birth.name)
    own_fault_file(birth)
    given = legacy.inputs.receive(birth.slot, birth.attempt) if legacy.inputs is not None else None
    xdist.become_worker(config, birth.slot, legacy.workers, legacy.run_id, given)
    _own_exit_handlers()
    _random_states(legacy)
    forked.prepare(config)
    return console


def own_group() -> None:
    """Signals reach the worker with all that it starts, and the terminal's Ctrl-C does not."""
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # A process outside of the terminal's group would be stopped when it writes there.
    signal.signal(signal.SIGTTIN, signal.SIG_IGN)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)


def stop_capture(config: pytest.Config) -> None:
    """The controller's descriptors come back to their places."""
    capture: Any = config.pluginmanager.getplugin("capturemanager")
    if capture is not None:
        capture.stop_global_capturing()


def restart_capture(config: pytest.Config, birth: Birth) -> None:
    """Capture files share one offset over fork: failing tests would carry others' output."""
    capture: Any = config.pluginmanager.getplugin("capturemanager")
    # Under `-s` tests would take the controller's input away from each other.
    onto(os.open(os.devnull, os.O_RDONLY), 0)
    onto(birth.stdout, 1)
    onto(birth.stderr, 2)
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is not None and hasattr(stream, "reconfigure"):
            # A pipe makes Python buffer by blocks; what a test prints is wanted when it prints.
            stream.reconfigure(line_buffering=True)
    # The files that the controller shares keep what was printed when the worker dies.
    files = iter([birth.captured_stdout, birth.captured_stderr])

    def shared_file(*_: object, **__: object) -> Any:
        return os.fdopen(next(files), "w+b", buffering=0)

    if capture is not None:
        with mock.patch("_pytest.capture.TemporaryFile", shared_file):
            capture.start_global_capturing()
        capture.suspend_global_capture(in_=False)
    for unused in files:
        os.close(unused)
    # Stacks that pytest writes after `faulthandler_timeout` are shown at once, as sequentially.
    slow = config.stash.get(fault_handler_stderr_fd_key, None)
    if slow is not None:
        os.dup2(2, slow, inheritable=False)


def onto(source: int, target: int) -> None:
    """Move a descriptor to another number, or leave it where it is."""
    if source == target:
        os.set_inheritable(target, True)
        return
    os.dup2(source, target, inheritable=True)
    os.close(source)


def own_temp_folder(config: pytest.Config, run: Path, name: str) -> None:
    """As under xdist: `popen-gw0` below the run's folder, the same for a replacement."""
    factory: Any = getattr(config, "_tmp_path_factory", None)
    if factory is None:
        return
    base = run / f"popen-{name}"
    base.mkdir(mode=0o700, exist_ok=True)
    factory._basetemp = base
    if hasattr(factory, "_next_number"):
        factory._next_number = {}


def own_fault_file(birth: Birth) -> None:
    """Stacks go to a file that outlives the worker."""
    faulthandler.enable(file=birth.fault)
    faulthandler.register(_engine.stacks_signal(), file=birth.fault, all_threads=True, chain=False)


def _own_exit_handlers() -> None:
    """Those registered before the fork are the controller's: they would tear down what it uses."""
    atexit._clear()
    multiprocessing_util = sys.modules.get("multiprocessing.util")
    if multiprocessing_util is not None:
        atexit.register(multiprocessing_util._exit_function)


def _random_states(legacy: Legacy) -> None:
    """Python reseeds `random` in every child; numpy does not. Seeded states are to be the same."""
    if legacy.random_state is not None:
        random.setstate(legacy.random_state)  # type: ignore[arg-type]
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is not None and not legacy.numpy_seeded:
        numpy_random.seed()


def leave(status: int) -> NoReturn:
    """End the process as Python does, without what belongs to the controller."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    finally:
        os._exit(status)
