"""What leads the workers of a Django project to clones; registered before they are forked."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import pytest
from django.db import connections

from pytest_concurrent.databases.keeper import Door, Keeper
from pytest_concurrent.django.attach import Clones, Recipe
from pytest_concurrent.django.connections import Connections
from pytest_concurrent.django.reset import Reset
from pytest_concurrent.django.tripwire import Tripwire
from pytest_concurrent.exceptions import SecurityException
from pytest_concurrent.settings import Settings

#: The back end that pytest-django leaves in memory by itself.
_KNOWN_TO_PYTEST_DJANGO = "django.db.backends.sqlite3"


class DjangoWorker:
    """Leads Django to clones, in workers; in the controller it does nothing.

    Args:
        door: Where the keeper is reached.
        recipes: The databases that the collected tests need.
        settings: Our options.
    """

    def __init__(self, door: Door, recipes: Sequence[Recipe], settings: Settings) -> None:
        self._door = door
        self._recipes = recipes
        self._settings = settings

    def pytest_concurrent_worker_start(self, config: pytest.Config, worker: str) -> None:
        """Take Django's place where test databases are created."""
        keeper = self._door.enter("worker", slot=int(worker.removeprefix("gw")))
        active = Active(config, keeper, self._recipes, self._settings)
        config.pluginmanager.register(active, "pytest_concurrent_django_worker")


class Active:
    """A worker's part: its clones, and what watches over them.

    Args:
        config: pytest's configuration.
        keeper: The worker's conversation with the keeper.
        recipes: The databases that the collected tests need.
        settings: Our options.
    """

    #: The one of this process.
    current: Active | None = None

    def __init__(
        self,
        config: pytest.Config,
        keeper: Keeper,
        recipes: Sequence[Recipe],
        settings: Settings,
    ) -> None:
        self._keeper = keeper
        self.clones = Clones(
            keeper, settings.worker_timeout, fall_back=settings.db in {"auto", "fresh"}
        )
        self._tripwire = Tripwire()
        self.connections = Connections(
            self.clones, self._tripwire, settings.db_health_interval, settings.db_max_operations
        )
        self._reset = Reset(config, self.clones, fresh=settings.db == "fresh")
        _keep_in_memory()
        for recipe in recipes:
            self.clones.wrap(recipe)
        self.connections.install(
            alias for recipe in recipes for alias in (recipe.alias, *recipe.siblings)
        )
        self._reset.install()
        Active.current = self

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Look after connections before and after each test."""
        self._tripwire.session = item.session
        self.connections.before_test()
        try:
            return (yield)
        finally:
            self.connections.after_test()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Put back what the test needs before any fixture is set up for it."""
        self._reset.before_test(item)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[Any]
    ) -> Generator[None, object, object]:
        """Notice what fixtures of session scope write."""
        __tracebackhide__ = True  # a fixture that a test asks for by name fails through here
        if fixturedef.scope != "session":
            return (yield)
        with self._reset.session_fixture():
            return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, call: pytest.CallInfo[None]) -> None:
        """Notice errors that tell of a broken connection."""
        if call.excinfo is not None:
            self.connections.heard_of(call.excinfo.value)

    def pytest_concurrent_worker_finish(self) -> None:
        """End the conversation; the clones are dropped when no test runs any more."""
        self._keeper.close()

    def end_sessions(self, name: str, vendor: str) -> int:
        """End the connections to a clone of this worker; how many.

        Raises:
            SecurityException: It is not one.
        """
        for attached in self.clones:
            if attached.name == name and attached.recipe.vendor == vendor:
                return self.clones.end_sessions(name)
        raise SecurityException(
            f"{vendor} database {name!r} is none that this worker made, so its connections are "
            "left alone"
        )


def _keep_in_memory() -> None:
    """Say of SQLite databases without a test name what Django takes for granted.

    pytest-django adds a worker's suffix to any name but those of the back end that it knows, so a
    subclass of that would be led to a file in a folder that is not there.
    """
    for connection in connections.all():
        entry = connection.settings_dict
        # Suites look there too, to see whether their database lies in memory.
        if connection.vendor == "sqlite" and entry["ENGINE"] != _KNOWN_TO_PYTEST_DJANGO:
            entry["TEST"]["NAME"] = entry["TEST"]["NAME"] or ":memory:"
