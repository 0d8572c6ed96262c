"""Workers that are processes of their own: what they are started with."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import pytest

from pytest_concurrent._engine import Page, Spawner
from pytest_concurrent.compat import cov, early, randomly, xdist
from pytest_concurrent.controller.nodes import NodeTeller
from pytest_concurrent.controller.staffing import Staff
from pytest_concurrent.exceptions import ForkUnsafeException
from pytest_concurrent.payload.instructions import (
    INPUT_ENDS,
    STANDARD,
    Afresh,
    Instructions,
    travelling,
)
from pytest_concurrent.settings import Settings

#: What an interpreter runs that is to be a worker. The path comes first: this package may be found
#: by it alone, and modules beside the tests must not take the place of Python's own, as they would
#: with ``-m``.
_BOOT = "import sys; sys.path[:] = sys.argv.pop().split(chr(10)); from {} import live; live()"


@dataclass
class Spawning:
    """What the controller holds of workers that it starts.

    Attributes:
        spawner: Starts them.
        page: The page that they share.
        lifeline: Write end of the pipe whose end the workers do not survive.
        staff: How many workers there are to be.
        nodes: Tells plugins of workers.
        afresh: How templates of databases are made where this process must not be forked for that.
    """

    spawner: Spawner
    page: Page
    lifeline: int
    staff: Staff
    nodes: NodeTeller
    afresh: Afresh

    def abandon(self) -> None:
        """End those that were started, if no run has taken them over."""
        self.spawner.dismiss()
        self.cut_lifeline()

    def end(self) -> None:
        """As `abandon`: what a supervisor that could not start has let go of, has ended."""
        self.abandon()

    def cut_lifeline(self) -> None:
        """Nobody is left who needs it."""
        if self.lifeline >= 0:
            os.close(self.lifeline)
            self.lifeline = -1


def prepare(
    config: pytest.Config,
    settings: Settings,
    page: Page,
    staff: Staff,
    nodes: NodeTeller,
    *,
    run_id: str,
    inherited: Sequence[int] = (),
) -> Spawning:
    """Get ready to start workers.

    Args:
        config: pytest's configuration.
        settings: What was asked for.
        page: The page to share.
        staff: How many workers there are to be.
        nodes: Tells plugins of workers.
        run_id: The run's id.
        inherited: The descriptor by which every worker reaches the keeper, if there is one; it
            stays open here.

    Raises:
        ForkUnsafeException: There is no interpreter to start.
    """
    if not sys.executable:
        raise ForkUnsafeException(
            "workers cannot be started: Python does not know where its interpreter is",
            hint="--concurrent-start=fork forks all the same",
        )
    count = staff.slots
    given = dict(zip(STANDARD, _standard(config), strict=True))
    for descriptor in inherited:
        given["keeper"] = os.dup(descriptor)
    instructions, parts = [], []
    for slot in range(count):
        ends = _input_ends(nodes, slot)
        named = [*given, *ends]
        told = _instructions(config, settings, _input(nodes, slot, count, run_id), named)
        instructions.append(told)
        variables = _variables(xdist.environment(slot, count, run_id))
        parts.append((variables, told.pack(), list(ends.values())))
    read_end, write_end = os.pipe()
    spawner = Spawner(
        (sys.executable, _arguments("pytest_concurrent.worker.spawned")),
        config.invocation_params.dir,
        list(os.environb.items()),
        parts,
        page=page,
        lifeline=read_end,
        inherited=list(given.values()),
    )
    afresh = _afresh(config, instructions[0], count, run_id)
    return Spawning(spawner, page, write_end, staff, nodes, afresh)


def untravelled(config: pytest.Config) -> list[str]:
    """Plugins that were given to `pytest.main` and that no other process can have."""
    given = config.invocation_params.plugins or ()
    return [repr(plugin) for plugin in given if not _name_of(plugin)]


def _arguments(module: str) -> list[str]:
    """What makes an interpreter call `live` of a module of ours."""
    flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    return [*flags, "-c", _BOOT.format(module), "\n".join(early.search_path())]


def _afresh(config: pytest.Config, first: Instructions, count: int, run_id: str) -> Afresh:
    """A maker of templates is to plugins and suites one more worker, on a place of its own."""
    told = replace(first, workerinput={**first.workerinput, "workerid": f"gw{count}"})
    variables = _variables(xdist.environment(count, count, run_id))
    return Afresh(
        builder=[sys.executable, *_arguments("pytest_concurrent.databases.fresh")],
        maker=[sys.executable, *_arguments("pytest_concurrent.maker")],
        folder=str(config.invocation_params.dir),
        environment={**os.environb, **dict(variables)},
        instructions=told,
    )


def _input(nodes: NodeTeller, slot: int, count: int, run_id: str) -> dict[str, Any]:
    """What the first worker on a slot finds as `workerinput`."""
    return nodes.workerinputs[slot] if nodes.inputs else xdist.workerinput(slot, count, run_id)


def _input_ends(nodes: NodeTeller, slot: int) -> dict[str, int]:
    """What its replacements find theirs by, if plugins have a say in it."""
    if nodes.inputs is None:
        return {}
    nodes.inputs.abroad = True
    return {
        name: os.dup(end) for name, end in zip(INPUT_ENDS, nodes.inputs.ends(slot), strict=True)
    }


def _standard(config: pytest.Config) -> list[int]:
    """Copies of the descriptors 0, 1 and 2 that this process was started with, for debuggers."""
    capture: Any = config.pluginmanager.getplugin("capturemanager")
    if capture is not None:
        capture.suspend(in_=True)
    try:
        return [_copy(number) for number in range(3)]
    finally:
        if capture is not None:
            capture.resume_global_capture()
            capture.suspend_global_capture(in_=False)


def _copy(descriptor: int) -> int:
    try:
        return os.dup(descriptor)
    except OSError:  # it is closed
        return os.open(os.devnull, os.O_RDWR)


def _instructions(
    config: pytest.Config, settings: Settings, workerinput: dict[str, Any], descriptors: list[str]
) -> Instructions:
    """What a worker is told."""
    given = config.invocation_params.plugins or ()
    factory: Any = getattr(config, "_tmp_path_factory", None)
    reporter: Any = config.pluginmanager.getplugin("terminalreporter")
    writer = getattr(reporter, "_tw", None)
    return Instructions(
        arguments=[str(one) for one in config.invocation_params.args],
        plugins=[name for plugin in given if (name := _name_of(plugin))],
        argv=sys.argv,
        options=travelling(vars(config.option)),
        workerinput=workerinput,
        looked_for={**cov.input_of_worker(), **randomly.input_of_worker(config)},
        basetemp=str(factory.getbasetemp()) if factory is not None else None,
        writer=(writer.hasmarkup, writer.code_highlight, writer.fullwidth) if writer else None,
        patient=settings.gc_tuning,
        descriptors=descriptors,
        group=os.getpgrp(),
    )


def _name_of(plugin: object) -> str:
    """The name by which another process can import a plugin; empty = it cannot."""
    if isinstance(plugin, str):
        return plugin
    return plugin.__name__ if isinstance(plugin, ModuleType) and plugin.__spec__ else ""


def _variables(texts: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(os.fsencode(name), os.fsencode(value)) for name, value in texts.items()]
