"""A worker that was not forked: a process of its own, which starts pytest and collects by itself.

All hooks run in it, as under pytest-xdist. What it prints and hears before its first test the
controller has printed and heard too, so nobody is told of it.
"""

from __future__ import annotations

import faulthandler
import gc
import logging
import os
import sys
import traceback
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from _pytest.config import ConftestImportFailure, _prepareconfig

from pytest_concurrent import _engine
from pytest_concurrent._engine import WorkerLink
from pytest_concurrent.compat import cov, spawned
from pytest_concurrent.payload.instructions import Instructions
from pytest_concurrent.worker import hooks, reset, terminal
from pytest_concurrent.worker.birth import INHERITED, Birth
from pytest_concurrent.worker.lifeline import hold
from pytest_concurrent.worker.loop import ABANDONED, Worker
from pytest_concurrent.worker.nextitem import may_be_lazy

#: What the controller decides alone, for all workers: which tests run, and what becomes of files
#: that a run has once.
_NOT_OURS = {
    "cacheclear": False,
    **spawned.NOT_OURS,
    "dist": "no",
    "failedfirst": False,
    "lf": False,
    "log_file_mode": "a",
    "newfirst": False,
}


def live() -> NoReturn:
    """Be the worker that whoever started this process wants. Never returns."""
    slot, attempt, descriptors, page, lifeline, inherited, told = _engine.receive_birth(0)
    birth = Birth(slot, attempt, *descriptors)
    status, pid = ABANDONED, os.getpid()
    try:
        # First of all: whatever is opened next would get this number, and lose it again.
        reset.onto(os.open(os.devnull, os.O_RDONLY), 0)
        reset.own_group()
        hold(lifeline)
        faulthandler.enable(file=birth.fault)
        instructions = Instructions.unpack(told)
        sys.argv[:] = instructions.argv
        link = WorkerLink.collecting(birth.socket, slot, page)
        status = SpawnedSession(link, birth, instructions, inherited).run()
    except EOFError:
        pass
    except BaseException:
        if os.getpid() != pid:
            # A fork of the worker, which returned from its test, is none and says nothing.
            os._exit(ABANDONED)
        # Nobody is left to report it; the controller shows the end of a dead worker's stderr.
        traceback.print_exc(file=sys.__stderr__)
    reset.leave(status)


class SpawnedSession:
    """pytest's session in a spawned worker, as a plugin of it.

    Args:
        link: The worker's socket.
        birth: What this worker was given.
        instructions: What it was told.
        inherited: Descriptors of others that all workers have.
    """

    def __init__(
        self, link: WorkerLink, birth: Birth, instructions: Instructions, inherited: list[int]
    ) -> None:
        self._link = link
        self._birth = birth
        self._instructions = instructions
        self._inherited = inherited
        self._worker: Worker | None = None
        self._collected: list[pytest.Item] = []
        self._is_done = False
        self._quiet = _Quiet()

    def run(self) -> int:
        """Run pytest; the exit status of this process."""
        instructions = self._instructions
        try:
            config = _prepareconfig(list(instructions.arguments), [*instructions.plugins, self])
        except ConftestImportFailure as error:
            return self._fail("".join(traceback.format_exception(error.cause)))
        except pytest.UsageError as error:
            return self._fail(str(error))
        except Exception:
            return self._fail(traceback.format_exc())
        try:
            code = config.hook.pytest_cmdline_main(config=config)
            config._ensure_unconfigure()
        except Exception:
            return self._fail(traceback.format_exc())
        return 0 if self._is_done else self._fail(f"pytest ended with exit code {int(code)}")

    def _fail(self, text: str) -> int:
        """It would fail in every replacement too: the run ends."""
        what = f"worker {self._birth.name} could not collect the tests: {text}"
        self._link.stop("internal_error", what, None)
        return ABANDONED

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_cmdline_parse(
        self, pluginmanager: pytest.PytestPluginManager
    ) -> Generator[None, pytest.Config, pytest.Config]:
        """Plugins and conftest files find `workerinput` from the first moment."""
        shaped: Any = pluginmanager.getplugin("pytestconfig")
        shaped.workerinput, shaped.workeroutput = self._instructions.workerinput, {}
        shaped.stash[INHERITED] = self._inherited
        config = yield
        _set_options(config, self._instructions, self._birth.name)
        return config

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_load_initial_conftests(self, early_config: pytest.Config) -> Generator[None]:
        """Before pytest-cov starts to measure."""
        cov.join(early_config)
        yield

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """What plugins made for themselves is put where the run wants it."""
        base = self._instructions.basetemp
        if base is not None:
            reset.own_temp_folder(config, Path(base), self._birth)
        reset.own_fault_file(self._birth)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Nobody is told of what the controller tells as well."""
        config = session.config
        spawned.prepare(config, self._instructions.options)
        stand_in = terminal.install(config)
        if stand_in is not None and self._instructions.writer is not None:
            stand_in.resemble(*self._instructions.writer)
        hooks.silence(config)
        self._quiet.install(config)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> Generator[None, object, object]:
        """Collect what is needed, without interruption by the garbage collector."""
        if self._instructions.files is not None:
            session.config.args = self._instructions.files
        thresholds = gc.get_threshold()
        if self._instructions.patient:
            gc.set_threshold(1_000_000, *thresholds[1:])
        try:
            return (yield)
        finally:
            if self._instructions.patient:
                gc.freeze()
            gc.set_threshold(*thresholds)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Generator[None]:
        """Whatever is deselected here: the controller has decided which tests run."""
        before = items.copy()
        yield
        kept = set(before)
        self._collected = [*before, *(item for item in items if item not in kept)]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run what the controller hands out."""
        try:
            tests, fixtures = self._link.names()
        except EOFError:
            # The controller has no use for this worker: it ends as a session without tests.
            self._is_done = True
            return True
        items = _matched(tests, self._collected)
        reset.stop_capture(session.config)
        reset.restart_capture(session.config, self._birth)
        self._quiet.end()
        lazy = may_be_lazy(session.config)
        numbers = {key: number for number, key in enumerate(fixtures)}
        worker = Worker(
            self._link, session, items, self._birth.name, numbers, lazy=lazy, console=None
        )
        self._link.ready([number for number, item in enumerate(items) if item is None])
        self._worker = worker
        worker.run()
        return True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None]:
        """When everybody has left what the controller is to get, this worker says goodbye."""
        # What is written from here on the controller writes too.
        for standard in (1, 2):
            reset.onto(os.open(os.devnull, os.O_WRONLY), standard)
        hooks.tell_ending(session, int(pytest.ExitCode.OK))
        yield
        if self._worker is not None:
            self._worker.say_goodbye()
            self._is_done = True


def _matched(tests: list[str], collected: list[pytest.Item]) -> list[pytest.Item | None]:
    """The items by number. Those of one node id are told apart by their order."""
    found = {(item.nodeid, place): item for item, place in _with_places(collected)}
    seen: Counter[str] = Counter()
    matched = []
    for nodeid in tests:
        matched.append(found.get((nodeid, seen[nodeid])))
        seen[nodeid] += 1
    return matched


def _with_places(items: list[pytest.Item]) -> Generator[tuple[pytest.Item, int]]:
    seen: Counter[str] = Counter()
    for item in items:
        yield item, seen[item.nodeid]
        seen[item.nodeid] += 1


def _set_options(config: pytest.Config, instructions: Instructions, name: str) -> None:
    """Take over what plugins changed in the controller, but for what is the controller's alone."""
    options: dict[str, Any] = vars(config.option)
    options.update(instructions.options)
    options.update((key, value) for key, value in _NOT_OURS.items() if key in options)
    if instructions.basetemp is not None:
        options["basetemp"] = os.path.join(instructions.basetemp, f"popen-{name}")


class _Quiet(logging.Filter):
    """Keeps log records of the collection from files and the terminal: the controller has them."""

    def __init__(self) -> None:
        super().__init__()
        self._handlers: list[logging.Handler] = []

    def install(self, config: pytest.Config) -> None:
        """Be silent."""
        plugin: Any = config.pluginmanager.getplugin("logging-plugin")
        for name in ("log_file_handler", "log_cli_handler"):
            handler = getattr(plugin, name, None)
            if handler is not None:
                handler.addFilter(self)
                self._handlers.append(handler)

    def end(self) -> None:
        """Be silent no longer."""
        for handler in self._handlers:
            handler.removeFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        """Nothing passes."""
        return False
