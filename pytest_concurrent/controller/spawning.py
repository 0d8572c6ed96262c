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
from pytest_concurrent.payload.instructions import Instructions, travelling
from pytest_concurrent.settings import Settings

#: What a worker's interpreter runs. The path comes first: modules beside the tests must not take
#: the place of Python's own, as they would with ``-m``.
_BOOT = (
    "import sys; sys.path[:] = sys.argv.pop().split(chr(10)); "
    "from pytest_concurrent.worker.spawned import live; live()"
)


@dataclass
class Spawning:
    """What the controller holds of workers that it starts.

    Attributes:
        spawner: Starts them.
        page: The page that they share.
        lifeline: Write end of the pipe whose end the workers do not survive.
        staff: How many workers there are to be.
        nodes: Tells plugins of workers.
        instructions: What each slot is told.
    """

    spawner: Spawner
    page: Page
    lifeline: int
    staff: Staff
    nodes: NodeTeller
    instructions: list[Instructions]

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
        inherited: Descriptors that every worker is to have; they stay open here.

    Raises:
        ForkUnsafeException: There is no interpreter to start.
    """
    if not sys.executable:
        raise ForkUnsafeException(
            "workers cannot be started: Python does not know where its interpreter is",
            hint="--concurrent-start=fork forks all the same",
        )
    count = staff.slots
    told = _instructions(config, settings)
    inputs = nodes.workerinputs or [xdist.workerinput(slot, count, run_id) for slot in range(count)]
    looked_for = {**cov.input_of_worker(), **randomly.input_of_worker(config)}
    instructions = [replace(told, workerinput={**looked_for, **one}) for one in inputs]
    parts = [
        (_variables(xdist.environment(slot, count, run_id)), told.pack())
        for slot, told in enumerate(instructions)
    ]
    read_end, write_end = os.pipe()
    spawner = Spawner(
        (sys.executable, _command()),
        config.invocation_params.dir,
        list(os.environb.items()),
        parts,
        page=page,
        lifeline=read_end,
        inherited=[os.dup(descriptor) for descriptor in inherited],
    )
    return Spawning(spawner, page, write_end, staff, nodes, instructions)


def untravelled(config: pytest.Config) -> list[str]:
    """Plugins that were given to `pytest.main` and that no other process can have."""
    given = config.invocation_params.plugins or ()
    return [repr(plugin) for plugin in given if not _name_of(plugin)]


def _command() -> list[str]:
    flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
    return [*flags, "-c", _BOOT, "\n".join(early.search_path())]


def _instructions(config: pytest.Config, settings: Settings) -> Instructions:
    """What all workers are told."""
    given = config.invocation_params.plugins or ()
    factory: Any = getattr(config, "_tmp_path_factory", None)
    reporter: Any = config.pluginmanager.getplugin("terminalreporter")
    writer = getattr(reporter, "_tw", None)
    return Instructions(
        arguments=[str(one) for one in config.invocation_params.args],
        plugins=[name for plugin in given if (name := _name_of(plugin))],
        argv=sys.argv,
        options=travelling(vars(config.option)),
        workerinput={},
        basetemp=str(factory.getbasetemp()) if factory is not None else None,
        writer=(writer.hasmarkup, writer.code_highlight, writer.fullwidth) if writer else None,
        files=None,
        patient=settings.gc_tuning,
    )


def _name_of(plugin: object) -> str:
    """The name by which another process can import a plugin; empty = it cannot."""
    if isinstance(plugin, str):
        return plugin
    return plugin.__name__ if isinstance(plugin, ModuleType) and plugin.__spec__ else ""


def _variables(texts: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(os.fsencode(name), os.fsencode(value)) for name, value in texts.items()]
