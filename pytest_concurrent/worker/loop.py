"""The life of a worker: reset, run what it is given, tear down, leave."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import pytest
from _pytest import outcomes
from _pytest.runner import CallInfo

from pytest_concurrent._engine import WorkerLink
from pytest_concurrent.compat import cov
from pytest_concurrent.worker import debugger, hooks, terminal
from pytest_concurrent.worker.birth import Birth, Legacy
from pytest_concurrent.worker.console import Console
from pytest_concurrent.worker.fixtures import FixtureClock
from pytest_concurrent.worker.nextitem import Break, NextItem, follower
from pytest_concurrent.worker.reset import leave, reset
from pytest_concurrent.worker.sender import Sender

#: Exit status of a worker whose controller is gone or not to be understood.
ABANDONED = 3


def live(birth: Birth, legacy: Legacy) -> NoReturn:
    """Be a worker. Never returns."""
    session, pid = legacy.session, os.getpid()
    try:
        console = reset(birth, legacy)
        link = WorkerLink(birth.socket, birth.slot, legacy.page)
        worker = Worker(
            link,
            session,
            session.items,
            birth.name,
            legacy.fixtures,
            lazy=legacy.lazy,
            console=console,
        )
        worker.run()
        hooks.tell_ending(session, int(pytest.ExitCode.OK))
        hooks.finish_session(session, int(pytest.ExitCode.OK))
        cov.save(session.config)
        worker.say_goodbye()
    except EOFError:
        os._exit(ABANDONED)
    except BaseException:
        try:
            # Nobody is left to report it; the controller shows the end of a dead worker's stderr.
            # A fork of the worker, which returned from its test, is none and says nothing.
            if os.getpid() == pid:
                traceback.print_exc(file=sys.__stderr__)
        finally:
            # Whatever a test closed: what follows in this stack is the controller's.
            os._exit(ABANDONED)
    leave(0)


class Worker:
    """Runs tests, in a forked copy of the collected session or in one that was collected here.

    Args:
        link: The worker's socket.
        session: The session.
        items: The tests by number; None for those that this worker does not have.
        name: The slot's name.
        fixtures: Numbers of shared set-ups, by their key.
        lazy: Whether `nextitem` may be decided as late as teardown.
        console: Where a debugger's user sits.
    """

    def __init__(
        self,
        link: WorkerLink,
        session: pytest.Session,
        items: Sequence[Any],
        name: str,
        fixtures: dict[str, int],
        *,
        lazy: bool,
        console: Console,
    ) -> None:
        self._link = link
        self._session = session
        self._items = items
        self._config = session.config
        self._lazy = lazy
        self._name = name
        clock = FixtureClock(fixtures, link.share)
        self._config.pluginmanager.register(clock, "pytest_concurrent_fixture_clock")
        stand_in = terminal.install(self._config)
        self._sender = Sender(link, self._config, clock, stand_in)
        self._debugger = debugger.Debugger(link, self._config, console, stand_in, self._sender)
        debugger.install(self._debugger, self._config)
        hooks.install(self._config, self._sender)
        self._checkpoint = cov.checkpoints(self._config)
        self._previous: pytest.Item | None = None
        self._expected: Any = None
        self._asked_to_stop = False
        self._on_interrupt: Any = signal.signal(signal.SIGINT, signal.SIG_IGN)

    def run(self) -> None:
        """Run tests until there are no more, and tear everything down."""
        self._start()
        number = self._wait()
        while number is not None:
            number = self._run_test(number)
            if number is None:
                number = self._wait()
        self._config.hook.pytest_concurrent_worker_finish(config=self._config, worker=self._name)

    def say_goodbye(self) -> None:
        """Send what is left: errors of the end, and what plugins have for the controller."""
        self._sender.send_between_tests()
        self._link.finished(getattr(self._config, "workeroutput", {}))

    def _start(self) -> None:
        try:
            hook = self._config.hook.pytest_concurrent_worker_start
            hook(config=self._config, worker=self._name)
        except BaseException as error:
            # It would fail in every replacement too.
            self._link.stop(*_reason_to_stop(error))

    def _run_test(self, number: int) -> int | None:
        """Run one test; the next one if it is claimed already."""
        session = self._session
        item = self._items[number]
        self._sender.begin(number, item)
        nextitem: Any = (
            NextItem(self._link, session, self._items) if self._lazy else self._eager_next()
        )
        try:
            with self._interruptible():
                self._config.hook.pytest_runtest_protocol(item=item, nextitem=nextitem)
        except BaseException as error:
            self._sender.abandon()
            self._link.stop(*_reason_to_stop(error))
        self._debugger.leave_behind()
        self._previous = item
        self._expected = nextitem.resolved if isinstance(nextitem, NextItem) else nextitem
        if (session.shouldfail or session.shouldstop) and not self._asked_to_stop:
            self._asked_to_stop = True
            # Before the test is reported: what follows it here could be claimed with that.
            text = _text(str(session.shouldfail or session.shouldstop))
            status = int(pytest.ExitCode.TESTS_FAILED) if session.shouldfail else None
            self._link.stop("should_stop", text, status)
        if self._checkpoint is not None:
            self._checkpoint()
        return self._sender.send()

    @contextmanager
    def _interruptible(self) -> Generator[None]:
        """Ctrl-C reaches tests and fixtures, by the handler that they left; never our own code."""
        signal.signal(signal.SIGINT, self._on_interrupt)
        try:
            yield
        finally:
            self._on_interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)

    def _eager_next(self) -> Any:
        nextitem = follower(self._link.peek(), self._session, self._items)
        return None if isinstance(nextitem, Break) else nextitem

    def _wait(self) -> int | None:
        """The next test, started; None = leave."""
        while (number := self._link.wait()) is not None:
            self._prepare_for(self._items[number])
            if (taken := self._link.take()) is not None:
                return taken
        self._prepare_for(None)
        return None

    def _prepare_for(self, nextitem: pytest.Item | None) -> None:
        """Tear down what `nextitem` does not need, if the last teardown was told something else."""
        if self._previous is None or self._expected is nextitem:
            return
        previous, self._expected = self._previous, nextitem

        def tear_down() -> None:
            with self._interruptible():
                self._session._setupstate.teardown_exact(nextitem)

        call: CallInfo[None] = CallInfo.from_call(tear_down, when="teardown")
        self._debugger.leave_behind()
        if call.excinfo is not None:
            report = previous.ihook.pytest_runtest_makereport(item=previous, call=call)
            previous.ihook.pytest_runtest_logreport(report=report)
        self._sender.send_between_tests()


def _reason_to_stop(error: BaseException) -> tuple[str, str, int | None]:
    if isinstance(error, outcomes.Exit):
        return "exit", _text(str(error.msg)), _status(error.returncode)
    if isinstance(error, KeyboardInterrupt):
        return "keyboard_interrupt", "KeyboardInterrupt", None
    return "internal_error", _text(traceback.format_exc()), None


def _text(text: str) -> str:
    """What can travel: a lone surrogate is fine in Python and nowhere else."""
    return text.encode("utf-8", "replace").decode()


def _status(returncode: Any) -> int | None:
    return None if returncode is None else int(returncode)
