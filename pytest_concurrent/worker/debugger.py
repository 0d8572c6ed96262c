"""pytest's debugger in a worker: it gets the terminal for as long as it has stopped the worker."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any
from unittest import mock

import pytest
from _pytest import debugging, outcomes

from pytest_concurrent._engine import WorkerLink
from pytest_concurrent.worker.console import Console, Entered
from pytest_concurrent.worker.sender import Sender
from pytest_concurrent.worker.terminal import TerminalStandIn

#: What runs a set-up, a test or a teardown, and makes no report itself.
_PHASE = pytest.CallInfo.from_call.__func__.__code__  # type: ignore[attr-defined]


class Debugger:
    """A plugin that asks for the terminal before the debugger needs it, and gives it back.

    Without the terminal the worker waits; other workers may be stopped too. Whatever stops it,
    `--pdb`, `--trace`, `breakpoint()` or `pytest.set_trace()`, comes through pytest's own debugger,
    with whichever class `--pdbcls` names.

    Args:
        link: The worker's socket.
        config: pytest's configuration.
        console: Where somebody sits.
        stand_in: Of the terminal reporter; None without a terminal.
        sender: Reports the tests.
    """

    def __init__(
        self,
        link: WorkerLink,
        config: pytest.Config,
        console: Console,
        stand_in: TerminalStandIn | None,
        sender: Sender,
    ) -> None:
        self._link = link
        self._manager = config.pluginmanager
        self._end_of_phase = _EndOfPhase(self)
        self._console = console
        self._stand_in = stand_in
        self._sender = sender
        self._capture: Any = config.pluginmanager.getplugin("capturemanager")
        self._after_failures = bool(config.getoption("usepdb", False))
        self._stay: Entered | None = None
        self._since = 0.0
        self._between_phases = False
        self._tracer: Any = None

    def begin(self) -> None:
        """Wait for the terminal, unless it is here.

        Raises:
            pytest.exit.Exception: The session was quit meanwhile.
        """
        if self._stay is not None:
            return
        self._tracer = sys.gettrace()
        began = time.perf_counter()
        if not self._link.want_terminal():
            raise outcomes.Exit("Quitting debugger")
        self._since = began
        if self._capture is not None:
            self._capture.suspend(in_=True)
        sys.stdout.flush()
        self._stay = self._console.enter()
        if self._stand_in is not None:
            self._stand_in.write_to(sys.stdout)
        self._manager.register(self._end_of_phase)

    def end(self) -> None:
        """Give the terminal back, if it is here."""
        stay, self._stay = self._stay, None
        if stay is None:
            return
        self._manager.unregister(self._end_of_phase)
        # Continuing has resumed the capture: its files stand where the terminal is to be replaced.
        captures = self._capture is not None and self._capture._global_capturing.is_started()
        if captures:
            self._capture.suspend(in_=True)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        if self._stand_in is not None:
            self._stand_in.write_to(None)
        stay.leave()
        if captures:
            self._capture.resume()
        if not self._between_phases:
            self._sender.exclude(time.perf_counter() - self._since)
        self._link.return_terminal()

    def leave_behind(self) -> None:
        """What was stopped in is over, and whoever still steps has come to pytest's and our code.

        There is nothing to see, and capturing would take the terminal from under the debugger.
        """
        if self._stay is not None:
            sys.settrace(self._tracer)
            self.end()

    @pytest.hookimpl(trylast=True)
    def pytest_leave_pdb(self) -> None:
        """Somebody continues; not from a debugger that was started inside the debugger."""
        if debugging.pytestPDB._recursive_debug == 0:
            self.end()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_exception_interact(
        self, report: pytest.CollectReport | pytest.TestReport
    ) -> Generator[None, object, object]:
        """With `--pdb` what comes before the prompt goes to the terminal as well."""
        if not self._after_failures:
            return (yield)
        self._between_phases = True
        self.begin()
        try:
            result = yield
        finally:
            if hasattr(report, "_pdbshown"):
                self._sender.shown()
        # Not for whoever quits: the terminal goes back when it is known that the session ends.
        self.end()
        self._between_phases = False
        return result


class _EndOfPhase:
    """Notices that a set-up, a test or a teardown is over; there while a debugger is."""

    def __init__(self, debugger: Debugger) -> None:
        self._debugger = debugger

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self) -> None:
        """It is over, or only a subtest is."""
        if not _is_amid_phase():
            self._debugger.leave_behind()


def _is_amid_phase() -> bool:
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_code is not _PHASE:
        frame = frame.f_back
    return frame is not None


def install(debugger: Debugger, config: pytest.Config) -> None:
    """Have pytest's debugger ask for the terminal; nothing with `-p no:debugging`."""
    if not config.pluginmanager.hasplugin("debugging"):
        return
    pdb: Any = debugging.pytestPDB
    make, wrap = pdb._init_pdb, pdb._get_pdb_wrapper_class

    def make_with_terminal(*args: Any, **kwargs: Any) -> Any:
        debugger.begin()  # it prints a line before it comes up
        return make(*args, **kwargs)

    def wrap_with_terminal(*args: Any) -> Any:
        wrapped = wrap(*args)

        def setup(self: Any, *args: Any) -> Any:
            debugger.begin()  # at a breakpoint that was set before somebody continued
            return wrapped.setup(self, *args)

        # Failures show it; it is to look as in a sequential run.
        named = {"__module__": wrapped.__module__, "__qualname__": wrapped.__qualname__}
        return type(wrapped.__name__, (wrapped,), {"setup": setup, **named})

    pdb._init_pdb, pdb._get_pdb_wrapper_class = make_with_terminal, wrap_with_terminal
    pdb._wrapped_pdb_cls = None
    config.pluginmanager.register(debugger, "pytest_concurrent_debugger")


class _Nothing:
    """Stands for a debugger where none is to come up."""

    def set_trace(self, *_: object) -> None:
        """Go on."""


@contextmanager
def ignored(config: pytest.Config) -> Generator[None]:
    """Let nothing stop, while this process collects what the controller collects too.

    Whoever sits at the terminal meets the same breakpoints and errors there.
    """
    manager = config.pluginmanager
    at_failures = manager.getplugin("pdbinvoke")
    if at_failures is not None:
        manager.unregister(at_failures)
    with mock.patch.object(debugging.pytestPDB, "_init_pdb", return_value=_Nothing()):
        yield
    if at_failures is not None:
        manager.register(at_failures, "pdbinvoke")
