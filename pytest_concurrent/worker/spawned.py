"""A worker that was not forked: it starts pytest and collects by itself."""

from __future__ import annotations

import faulthandler
import os
import sys
import traceback
from collections import Counter
from collections.abc import Generator
from dataclasses import replace
from typing import NoReturn

import pytest

from pytest_concurrent import _engine
from pytest_concurrent._engine import WorkerLink
from pytest_concurrent.compat import cov
from pytest_concurrent.compat.xdist_inputs import awaited
from pytest_concurrent.payload.instructions import INPUT_ENDS, STANDARD, Instructions
from pytest_concurrent.worker import hooks, reset
from pytest_concurrent.worker.birth import KEEPER, Birth
from pytest_concurrent.worker.collecting import CollectingSession
from pytest_concurrent.worker.console import Console
from pytest_concurrent.worker.lifeline import hold
from pytest_concurrent.worker.loop import ABANDONED, Worker
from pytest_concurrent.worker.nextitem import may_be_lazy


def live() -> NoReturn:
    """Be the worker that whoever started this process wants. Never returns."""
    slot, attempt, descriptors, page, lifeline, inherited, told = _engine.receive_birth(0)
    birth = Birth(slot, attempt, *descriptors)
    status, pid = ABANDONED, os.getpid()
    try:
        # First of all: whatever is opened next would get this number, and lose it again.
        reset.onto(os.open(os.devnull, os.O_RDONLY), 0)
        reset.own_group()
        held = hold(lifeline)
        faulthandler.enable(file=birth.fault)
        instructions = Instructions.unpack(told)
        given = dict(zip(instructions.descriptors, inherited, strict=True))
        console = Console(tuple(map(given.__getitem__, STANDARD)), instructions.group, held)
        if attempt > 1 and INPUT_ENDS[0] in given:
            file, pipe = map(given.__getitem__, INPUT_ENDS)
            own = awaited(file, pipe, attempt)
            instructions = replace(instructions, workerinput=own)
        sys.argv[:] = instructions.argv
        link = WorkerLink.collecting(birth.socket, slot, page)
        if why := SpawnedSession(link, birth, instructions, console, given.get("keeper")).run():
            # It would fail in every replacement too: the run ends.
            what = f"worker {birth.name} could not collect the tests: {why}"
            link.stop("internal_error", what, None)
        else:
            status = 0
    except EOFError:
        pass
    except BaseException:
        if os.getpid() != pid:
            # A fork of the worker, which returned from its test, is none and says nothing.
            os._exit(ABANDONED)
        # Nobody is left to report it; the controller shows the end of a dead worker's stderr.
        traceback.print_exc(file=sys.__stderr__)
    reset.leave(status)


class SpawnedSession(CollectingSession):
    """pytest's session in a spawned worker.

    Args:
        link: The worker's socket.
        birth: What this worker was given.
        instructions: What it was told.
        console: Where a debugger's user sits.
        keeper: The descriptor by which databases are reached, if there is one.
    """

    def __init__(
        self,
        link: WorkerLink,
        birth: Birth,
        instructions: Instructions,
        console: Console,
        keeper: int | None,
    ) -> None:
        super().__init__(instructions, birth.name)
        self._link = link
        self._birth = birth
        self._console = console
        self._keeper = keeper
        self._worker: Worker | None = None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_load_initial_conftests(self, early_config: pytest.Config) -> Generator[None]:
        """Before pytest-cov starts to measure."""
        if self._keeper is not None:
            early_config.stash[KEEPER] = self._keeper
        cov.join(early_config)
        yield

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """What plugins made for themselves is put where the run wants it."""
        super().pytest_configure(config)
        reset.own_fault_file(self._birth)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run what the controller hands out."""
        try:
            tests, fixtures = self._link.names()
        except EOFError:
            # The controller has no use for this worker: it ends as a session without tests.
            self.is_done = True
            return True
        items = _matched(tests, self.collected)
        reset.stop_capture(session.config)
        reset.restart_capture(session.config, self._birth)
        self.quiet.end()
        lazy = may_be_lazy(session.config)
        numbers = {key: number for number, key in enumerate(fixtures)}
        worker = Worker(
            self._link, session, items, self._birth.name, numbers, lazy=lazy, console=self._console
        )
        self._link.ready([number for number, item in enumerate(items) if item is None])
        self._worker = worker
        pid = os.getpid()
        try:
            worker.run()
        except BaseException:
            if os.getpid() != pid:
                # A fork of the worker, which returned from its test, ends no session.
                os._exit(ABANDONED)
            raise
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
            self.is_done = True


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
