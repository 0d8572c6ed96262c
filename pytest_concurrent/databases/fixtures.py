"""The fixtures that give clones to tests without Django."""

from __future__ import annotations

import os
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from pytest_concurrent.exceptions import ConfigurationException, DatabaseTemplateException

if TYPE_CHECKING:
    from pytest_concurrent.databases.keeper import Door, Keeper
    from pytest_concurrent.databases.specs import CheckedSpec
    from pytest_concurrent.databases.url_recipe import UrlRecipe
    from pytest_concurrent.settings import Settings

#: How this process comes to clones, once their templates are being prepared.
ACCESS = pytest.StashKey["Access"]()

#: Why no database of the project can be used.
PROBLEM = pytest.StashKey[DatabaseTemplateException]()

#: Whether the project names any database.
_OFFERED = pytest.StashKey[bool]()

_SHORT = "fresh_database"


@dataclass(frozen=True)
class Database:
    """A clone that belongs to one worker, or to one test.

    Attributes:
        url: Its URL, as the project wrote it but for the name; with the password.
        name: Its name on the server; with SQLite the path of its file.
        engine: ``postgresql``, ``mysql`` (MariaDB too) or ``sqlite``.
        params: Keyword arguments for the driver's ``connect``; with the password.
    """

    url: str = field(repr=False)
    name: str
    engine: str
    params: dict[str, Any] = field(repr=False, hash=False)


class Access:
    """The way of one process to its clones. A fork of it finds its own.

    Args:
        door: Where the keeper is reached.
        recipes: The databases, by the name of their fixture.
        patience: Seconds to wait for a template that is still being built.
    """

    def __init__(self, door: Door, recipes: Mapping[str, UrlRecipe], patience: float) -> None:
        self._door = door
        self._recipes = recipes
        self._patience = patience
        self._keeper: Keeper | None = None
        self._owner = 0

    def leads_to(self, alias: str) -> bool:
        """Whether the template of this database is being prepared."""
        return alias in self._recipes

    def take(self, operation: str, alias: str) -> tuple[Database, str]:
        """Get a clone; the database, and the name to give it back by.

        Args:
            operation: ``clone`` for the worker's own, ``fresh`` for another.
            alias: The database.

        Raises:
            DatabaseTemplateException: Its template could not be built or cloned.
        """
        recipe = self._recipes[alias]
        answer = self._conversation().request(
            operation,
            wait=self._patience,
            alias=alias,
            fingerprint=recipe.fingerprint(),
            settings=recipe.settings(),
        )
        name = answer.get("path") or answer["name"]
        database = Database(recipe.url(name), name, recipe.vendor, recipe.params(name))
        return database, answer["name"]

    def give_back(self, name: str) -> None:
        """Say that a clone is not used any more; it is dropped after the run."""
        # If the keeper is gone there is nothing to tell, and nobody to tell it to.
        with suppress(DatabaseTemplateException):
            self._conversation().request("retire", name=name)

    def close(self) -> None:
        """End this process's conversation, if it has one: the keeper goes when all have ended."""
        if self._keeper is not None and self._owner == os.getpid():
            self._keeper.close()
            self._keeper = None

    def _conversation(self) -> Keeper:
        if self._keeper is None or self._owner != os.getpid():
            slot = os.environ.get("PYTEST_CONCURRENT_SLOT", "")
            self._keeper = self._door.enter("worker", int(slot) if slot.isdecimal() else None)
            self._owner = os.getpid()
        return self._keeper


def offer(config: pytest.Config, settings: Settings) -> list[CheckedSpec]:
    """Make the fixtures known, and read which databases the project names.

    To be called in ``pytest_configure``, in runs with and without workers.

    Args:
        config: pytest's configuration.
        settings: Our options.

    Returns:
        The databases; none if something is wrong with one of them, or if they are not wanted.

    Raises:
        pytest.UsageError: Something is wrong with one, and the run has workers. Without workers
            it is an error of the tests that use it.
    """
    found: list[CheckedSpec] = []
    if are_named(config, settings):
        from pytest_concurrent.databases.specs import specs

        try:
            found = specs(config, settings)
        except DatabaseTemplateException as error:
            if (
                isinstance(error, ConfigurationException)
                and settings.enabled
                and settings.workers != 0
            ):
                raise pytest.UsageError(f"{error}. {error.hint}") from None
            config.stash[PROBLEM] = error
    config.stash[_OFFERED] = bool(found)
    names = {one.spec.name: one.spec.fresh_name for one in found}
    for name, fresh_name in {"concurrent_database": _SHORT, **names}.items():
        config.pluginmanager.register(_module(name, fresh_name), f"pytest_concurrent_{name}")
    return found if settings.db != "off" else []


def are_named(config: pytest.Config, settings: Settings) -> bool:
    """Whether the ini file or a hook names a database."""
    said = settings.database or settings.database_setup or settings.database_inputs
    return bool(said or config.hook.pytest_concurrent_databases.get_hookimpls())


def _module(alias: str, fresh_alias: str) -> types.ModuleType:
    """A plugin with the fixtures of one database."""
    module = types.ModuleType(f"pytest_concurrent_{alias}", "Fixtures of one database.")
    vars(module)["shared"] = pytest.fixture(
        _generator(alias, "clone", "This worker's own clone of the template."),
        scope="session",
        name=alias,
    )
    vars(module)["fresh"] = pytest.fixture(
        _generator(alias, "fresh", "A clone of the template for one test alone."), name=fresh_alias
    )
    return module


def _generator(
    alias: str, operation: str, meaning: str
) -> Callable[[pytest.FixtureRequest], Iterator[Database]]:
    def database(request: pytest.FixtureRequest) -> Iterator[Database]:
        try:
            access = _access(request.config, alias)
            taken, name = access.take(operation, alias)
        except DatabaseTemplateException as error:
            # Our own frames would tell nothing to whoever reads this.
            raise pytest.fail.Exception(f"{error}. {error.hint}", pytrace=False) from None
        yield taken
        access.give_back(name)

    database.__doc__ = f"{meaning}\n\nHas ``url``, ``name``, ``engine`` and ``params``."
    return database


def _access(config: pytest.Config, alias: str) -> Access:
    problem = config.stash.get(PROBLEM, None)
    if problem is not None:
        raise problem
    access = config.stash.get(ACCESS, None)
    if access is not None and access.leads_to(alias):
        return access
    if not config.stash.get(_OFFERED, False):
        raise ConfigurationException(
            f"no database is there for the fixture {alias}",
            hint="Set concurrent_database in the ini file to the URL of a server, and "
            "concurrent_database_setup to module:callable.",
        )
    raise ConfigurationException(
        f"the database of the fixture {alias} was not prepared",
        hint="Name the fixture among the arguments of a test or fixture, so that it is known "
        "before the run; with --concurrent-db=off there are no such databases.",
    )
