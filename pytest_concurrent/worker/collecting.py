"""pytest's session in a process that was not forked: it starts pytest and collects by itself.

All hooks run in it, as under pytest-xdist. What it prints and hears before its first test the
controller has printed and heard too, so nobody is told of it.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
import traceback
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from _pytest.config import ConftestImportFailure, _prepareconfig

from pytest_concurrent.compat import spawned
from pytest_concurrent.payload.instructions import Instructions
from pytest_concurrent.worker import debugger, hooks, reset, terminal

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


class CollectingSession:
    """The session, as a plugin of it; whoever derives from it says what follows the collection.

    Args:
        instructions: What the process was told.
        name: What it is called, `gw0`.

    Attributes:
        collected: What was collected, whatever was deselected here.
        is_done: Whether the session came to what it is for.
        quiet: Keeps log records to itself.
    """

    def __init__(self, instructions: Instructions, name: str) -> None:
        self._instructions = instructions
        self._name = name
        self.collected: list[pytest.Item] = []
        self.is_done = False
        self.quiet = _Quiet()

    def run(self) -> str:
        """Run pytest; why it did not come to what it is for, empty if it did."""
        instructions = self._instructions
        # Whoever sits at the terminal has met what stops here in the controller.
        sys.breakpointhook = _go_on
        try:
            config = _prepareconfig(list(instructions.arguments), [*instructions.plugins, self])
        except ConftestImportFailure as error:
            return "".join(traceback.format_exception(error.cause))
        except pytest.UsageError as error:
            return str(error)
        except Exception:
            return traceback.format_exc()
        try:
            code = config.hook.pytest_cmdline_main(config=config)
            config._ensure_unconfigure()
        except Exception:
            return traceback.format_exc()
        return "" if self.is_done else f"pytest ended with exit code {int(code)}"

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_cmdline_parse(
        self, pluginmanager: pytest.PytestPluginManager
    ) -> Generator[None, pytest.Config, pytest.Config]:
        """Plugins and conftest files find `workerinput` from the first moment."""
        shaped: Any = pluginmanager.getplugin("pytestconfig")
        told = self._instructions
        shaped.workerinput, shaped.workeroutput = {**told.looked_for, **told.workerinput}, {}
        config = yield
        _set_options(config, self._instructions, self._name)
        return config

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """What plugins made for themselves is put where the run wants it."""
        if sys.breakpointhook is _go_on:
            sys.breakpointhook = sys.__breakpointhook__
        base = self._instructions.basetemp
        if base is not None:
            reset.own_temp_folder(config, Path(base), self._name)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Nobody is told of what the controller tells as well."""
        config = session.config
        spawned.prepare(config, self._instructions.options)
        stand_in = terminal.install(config)
        if stand_in is not None and self._instructions.writer is not None:
            stand_in.resemble(*self._instructions.writer)
        hooks.silence(config)
        self.quiet.install(config)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> Generator[None, object, object]:
        """Collect without interruption by the garbage collector."""
        thresholds = gc.get_threshold()
        if self._instructions.patient:
            gc.set_threshold(1_000_000, *thresholds[1:])
        try:
            with debugger.ignored(session.config):
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
        self.collected = [*before, *(item for item in items if item not in kept)]


def _set_options(config: pytest.Config, instructions: Instructions, name: str) -> None:
    """Take over what plugins changed in the controller, but for what is the controller's alone."""
    options: dict[str, Any] = vars(config.option)
    options.update(instructions.options)
    options.update((key, value) for key, value in _NOT_OURS.items() if key in options)
    if instructions.basetemp is not None:
        options["basetemp"] = os.path.join(instructions.basetemp, f"popen-{name}")


def _go_on(*_: object, **__: object) -> None:
    """In place of a debugger."""


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
