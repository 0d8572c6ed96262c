"""The databases of one run, as the controller's session sees them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Protocol

import pytest

from pytest_concurrent.databases.builder import Builder, Order
from pytest_concurrent.databases.folder import state_folder
from pytest_concurrent.databases.keeper import Door, Keeper, start_keeper
from pytest_concurrent.databases.preparation import Found, Means, Preparation
from pytest_concurrent.databases.recipe import Recipe
from pytest_concurrent.exceptions import (
    DatabaseTemplateException,
    SecurityException,
    UnsupportedDatabase,
)
from pytest_concurrent.settings import Settings

#: Seconds for everything that is dropped after the run; what is left then is dropped by the next.
_CLEAN_UP = 30.0

#: Connections of the keeper itself: the lease, a lock, and four that clone.
_KEEPERS_CONNECTIONS = 6


class Provider(Protocol):
    """Who knows databases that tests use: Django's settings, or our own ini keys."""

    def recipes(self, session: pytest.Session) -> Sequence[Recipe]:
        """The databases that the collected tests need.

        Raises:
            SecurityException: They may not be opened; the run is to be sequential.
        """

    def remarks(self) -> Sequence[str]:
        """What is to be said of databases that are left to others."""

    def worker_plugin(self, door: Door) -> object:
        """A plugin whose hooks let workers use clones."""


class Databases:
    """Keeper, builder and templates of one run.

    Args:
        config: pytest's configuration.
        settings: What was asked for.
        providers: Who knows databases.
        run_id: The run's id.
    """

    def __init__(
        self,
        config: pytest.Config,
        settings: Settings,
        providers: Sequence[Provider],
        run_id: str,
    ) -> None:
        self._config = config
        self._settings = settings
        self._providers = providers
        self._folder = state_folder(config)
        self._door: Door | None = start_keeper(self._folder / "journals", run_id)
        self._keeper: Keeper | None = None
        self._builder = 0
        self._project = ""
        self.failures: list[str] = []

    def prepare(self, session: pytest.Session, workers: int) -> list[str]:
        """Find the templates of what the collected tests need, and have the others built.

        To be called after collection, while this process has one thread. Workers may be forked
        right afterwards: who needs a database that is not ready waits for it.

        Args:
            session: The session, collected.
            workers: Number of slots.

        Returns:
            Lines for the header.

        Raises:
            SecurityException: Databases may not be opened.
            PermissionException: The role may not create databases.
        """
        assert self._door is not None
        recipes = [recipe for one in self._providers for recipe in one.recipes(session)]
        lines = [remark for one in self._providers for remark in one.remarks()]
        if not recipes:
            self._let_go()
            return lines
        self._project = recipes[0].project
        self._keeper = self._door.enter("controller")
        means = self._means()
        orders = []
        for recipe in recipes:
            line, order = self._look(recipe, means, workers)
            lines.append(line)
            orders += order
        builder = Builder(self._door, recipes, means, clones=workers)
        self._builder = builder.fork(orders, [self._keeper])
        for one in self._providers:
            self._config.pluginmanager.register(one.worker_plugin(self._door))
        return lines

    def _means(self) -> Means:
        return Means(
            manifests=self._folder / "manifests",
            root=self._config.rootpath,
            cache=self._settings.db_cache,
            rebuild=self._settings.db_rebuild or bool(self._config.getoption("create_db", False)),
            ignored=(str(self._folder),),
        )

    def _look(self, recipe: Recipe, means: Means, workers: int) -> tuple[str, list[Order]]:
        """Find one template; the line that tells of it, and what is left to the builder."""
        assert self._keeper is not None
        fingerprint = recipe.fingerprint()
        order = Order(recipe.alias, fingerprint, clones=workers)
        preparation = Preparation(recipe, self._keeper, means)
        name = f"database {recipe.alias!r} ({recipe.vendor})"
        try:
            found = preparation.find(preparation.open())
            _check_rights(found)
        except (UnsupportedDatabase, ConnectionError) as error:
            self._announce(order)
            return f"{name}: through the project's own driver: {error}", [order]
        except SecurityException:
            raise
        except DatabaseTemplateException as error:
            # The tests that need it say so, as in a sequential run.
            self._announce(order)
            return f"{name}: {error}", [order]
        self._announce(order)
        if found.template is None:
            return f"{name}: the template is being built ({found.why})", [order]
        self._keeper.request(
            "settle",
            alias=recipe.alias,
            fingerprint=fingerprint,
            server=found.server,
            template=found.template,
            clones=workers,
        )
        return f"{name}: template found ({found.template})", []

    def _announce(self, order: Order) -> None:
        assert self._keeper is not None
        self._keeper.request(
            "announce", alias=order.alias, fingerprint=order.fingerprint, clones=order.clones
        )

    def status(self) -> dict[str, Any]:
        """What the keeper did so far."""
        return self._keeper.request("status") if self._keeper is not None else {}

    def finish(self) -> dict[str, Any]:
        """Drop what the run made, and what dead runs left; nothing of anybody else.

        To be called when no worker runs any more.

        Returns:
            What was done, as the keeper says it.
        """
        report: dict[str, Any] = {}
        if self._keeper is not None:
            try:
                report = self._keeper.request(
                    "finish",
                    wait=_CLEAN_UP,
                    project=self._project,
                    keep_templates=self._settings.db_keep_templates,
                    keep_days=self._settings.db_keep_days,
                )
            except DatabaseTemplateException as error:
                report = {"failed": [f"{error}. {error.hint}"]}
        self._let_go()
        return report

    def _let_go(self) -> None:
        """End the conversation and wait for the processes, each of which ends by itself."""
        if self._keeper is not None:
            self._keeper.close()
            self._keeper = None
        if self._door is not None:
            self._door.close()
            for pid in (self._builder, self._door.pid):
                if pid:
                    _await_end(pid, _CLEAN_UP)
            self._door, self._builder = None, 0


def _check_rights(found: Found) -> None:
    if not found.facts.get("may_create", True):
        raise SecurityException(
            "the tests' database role may not create databases",
            hint=f"An administrator can allow it: {found.facts.get('grant', '')}",
        )


def _await_end(pid: int, patience: float) -> None:
    """Reap a child, ending it if it does not end by itself."""
    until = time.monotonic() + patience
    pause = 0.001
    while time.monotonic() < until:
        with suppress(ChildProcessError):
            if os.waitpid(pid, os.WNOHANG) == (0, 0):
                time.sleep(pause)
                pause = min(2 * pause, 0.05)
                continue
        return
    with suppress(ProcessLookupError, ChildProcessError):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
