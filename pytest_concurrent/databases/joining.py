"""How a worker that was not forked comes to the databases of its run."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any, Protocol

import pytest

from pytest_concurrent.databases.keeper import Door
from pytest_concurrent.databases.recipe import Recipe
from pytest_concurrent.exceptions import DatabaseTemplateException


class Provider(Protocol):
    """Who knows databases that tests use."""

    def recipes(self, session: pytest.Session) -> Sequence[Recipe]:
        """The databases that the collected tests need."""

    def worker_plugin(self, door: Door) -> object:
        """A plugin whose hooks let workers use clones."""


def join(
    config: pytest.Config, providers: Sequence[Provider], descriptor: int, worker: str
) -> None:
    """Do what a forked worker has inherited, and then what it does at its start.

    Where the controller found that there is nothing to clone, the keeper is gone by now, and
    databases are set up as if we were not there.

    Args:
        config: pytest's configuration.
        providers: Who knows databases.
        descriptor: The door, as every process of the run has it.
        worker: The slot's name.
    """
    session: Any = config.pluginmanager.getplugin("session")
    door = Door(0, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET, fileno=descriptor))
    try:
        door.enter("worker", int(worker.removeprefix("gw"))).close()
    except DatabaseTemplateException:
        return
    for provider in providers:
        if provider.recipes(session):
            plugin: Any = provider.worker_plugin(door)
            config.pluginmanager.register(plugin)
            start = getattr(plugin, "pytest_concurrent_worker_start", None)
            if start is not None:
                start(config=config, worker=worker)
