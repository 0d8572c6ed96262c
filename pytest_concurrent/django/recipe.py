"""The databases of Django's settings, as templates are made of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, connections
from django.test.utils import get_unique_databases_and_mirrors

from pytest_concurrent.databases.inputs import Inputs
from pytest_concurrent.databases.production import looks_like_production
from pytest_concurrent.databases.recipe import Rows
from pytest_concurrent.django import build, effective, inputs, target
from pytest_concurrent.django.access import Statements, unblocked
from pytest_concurrent.exceptions import DatabaseCloneException, SecurityException

#: Where Django's own back ends live; what a project overrides lives elsewhere.
_DJANGOS = ("django.db.backends.", "django.contrib.gis.db.backends.")

#: What of a back end's way to create test databases templates rely on.
_RELIED_ON = (
    "create_test_db",
    "_create_test_db",
    "_clone_test_db",
    "_get_test_db_name",
    "get_test_db_clone_settings",
)

_VENDORS = frozenset({"postgresql", "mysql", "sqlite"})


@dataclass(frozen=True)
class Places:
    """What a run gives to every recipe.

    Attributes:
        project: Whose templates these are.
        root: The project's folder.
        templates: Folder of SQLite's templates.
        clones: Folder of this run's SQLite clones.
        allowed: Databases that may be opened although they look like production.
        inputs: Globs of files that templates depend on beside what is found out, relative to the
            root folder.
    """

    project: str
    root: Path
    templates: Path
    clones: Path
    allowed: Sequence[str] = ()
    inputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Selection:
    """The databases that tests need.

    Attributes:
        recipes: Those that templates are made of, in the order in which Django makes them.
        unknown: Why others are left to Django, by alias.
    """

    recipes: list[DjangoRecipe]
    unknown: dict[str, str]


def recipes(
    config: pytest.Config,
    aliases: Iterable[str],
    serialized: Collection[str],
    places: Places,
) -> Selection:
    """Say which databases are to be made for some aliases: mirrors and doubles left out.

    Args:
        config: pytest's configuration.
        aliases: What the collected tests use.
        serialized: Those among them whose contents tests want written down.
        places: What the run gives.
    """
    aliases = set(aliases)
    try:
        databases, mirrors = get_unique_databases_and_mirrors(aliases)
    except ImproperlyConfigured as error:
        # Tests say so where they need it, as in a sequential run.
        return Selection([], dict.fromkeys(sorted(aliases), str(error)))
    selection = Selection([], {})
    for _, doubles in databases.values():
        alias = doubles[0]
        why = unknown(connections[alias])
        if why is not None:
            selection.unknown[alias] = why
            continue
        siblings = [*doubles[1:], *(one for one, of in mirrors.items() if of in doubles)]
        recipe = DjangoRecipe(alias, config, places, siblings=siblings)
        recipe.serialized = not set(serialized).isdisjoint(doubles)
        selection.recipes.append(recipe)
    return selection


def unknown(connection: Any) -> str | None:
    """Why a database is left to Django's own way; None = it is one that we know."""
    if connection.vendor not in _VENDORS:
        return f"its back end ({connection.vendor}) is not one that we know"
    creation = type(connection.creation)
    for name in _RELIED_ON:
        if not getattr(creation, name).__module__.startswith(_DJANGOS):
            return f"its back end creates databases in its own way ({creation.__module__}.{name})"
    if connection.settings_dict["OPTIONS"].get("service"):
        return "Django does not support OPTIONS['service'] for test databases"
    return None


class DjangoRecipe:
    """One database of Django's settings.

    Args:
        alias: Its alias; of several for one database, the first.
        config: pytest's configuration.
        places: What the run gives.
        siblings: Further aliases of the same database, mirrors among them.
        migrations: Whether migrations run; None = as options and settings say now.

    Attributes:
        serialized: Whether tests want its contents written down.
    """

    serialized = False

    creates_database = True
    has_driver = True

    def __init__(
        self,
        alias: str,
        config: pytest.Config,
        places: Places,
        *,
        siblings: Sequence[str] = (),
        migrations: bool | None = None,
    ) -> None:
        self.alias = alias
        self.vendor: str = connections[alias].vendor
        self.project = places.project
        self.siblings = tuple(siblings)
        self._config = config
        self._places = places
        self._migrations = (
            effective.migrations_asked_for(config) if migrations is None else migrations
        )
        self._statements = Statements(lambda: connections[alias], config)
        self._known: inputs.Known | None = None

    def fingerprint(self) -> str:
        """Digest of the settings in force, without names of databases."""
        return effective.fingerprint(self.alias, migrations=self._migrations)

    def settings(self) -> dict[str, Any] | None:
        """Those settings as they can travel to another process; None = they cannot."""
        return effective.patch(self.alias)

    def apply(self, settings: dict[str, Any]) -> None:
        """Put settings in force that came from another process."""
        effective.apply(self.alias, settings)
        self._migrations = settings["migrations"] is not None
        self._known = None

    def target(self) -> dict[str, Any]:
        """Where the server is, as the engine takes it.

        Raises:
            UnsupportedDatabase: The engine could not get in the way the project does.
            DatabaseCloneException: The project cannot get in.
            SecurityException: Databases would be made from one that looks like production.
        """
        if self.vendor == "sqlite":
            creation = connections[self.alias].creation
            found = {"vendor": "sqlite", "templates": str(self._places.templates)}
            # What is in memory is filled from the template itself.
            if not creation.is_in_memory_db(creation._get_test_db_name()):
                found["clones"] = str(self._places.clones)
            return found
        resolve = target.postgresql if self.vendor == "postgresql" else target.mysql
        with unblocked(self._config), self._reaching():
            found = resolve(connections[self.alias])
        maintenance = found.get("maintenance")
        if maintenance and looks_like_production(maintenance, self._places.allowed):
            raise SecurityException(
                f"databases would be made from {maintenance!r}, which looks like production",
                hint="Let the tests' role open the database 'postgres', or name it in "
                "ALLOW_DATABASES.",
            )
        return found

    def sql(self, statement: str, database: str | None = None) -> Rows:
        """Run a statement through the project's own driver, outside of any transaction.

        Raises:
            Exception: The driver's own error.
        """
        return self._statements.run(statement, database)

    @contextmanager
    def lasting(self) -> Generator[None]:
        """Keep connections open between statements, so that what one sets holds for the next."""
        with self._statements.lasting():
            yield

    @contextmanager
    def _reaching(self) -> Generator[None]:
        connection = connections[self.alias]
        try:
            yield
        except (Error, connection.Database.Error) as error:
            raise DatabaseCloneException(
                f"the server of database {self.alias!r} cannot be used: {str(error).strip()}",
                hint=f"Look at DATABASES[{self.alias!r}] and whether the server runs.",
            ) from error

    def inputs(self) -> Inputs:
        """What goes into the template, as far as it is known before it is built.

        Raises:
            DatabaseCloneException: The server cannot be asked.
            ConfigurationException: A glob of inputs matches no file.
        """
        if self._known is None:
            connection = connections[self.alias]
            with self._reaching():
                server = inputs.server_facts(self.vendor, connection, self.sql)
            self._known = inputs.known(
                self.alias, connection, migrations=self._migrations, server=server
            )
        return inputs.inputs_of(self._known, self._places.root, self._places.inputs)

    def build(self, name: str, path: str | None, created: Callable[[], None]) -> None:
        """Run Django's own set-up.

        Raises:
            DatabaseCloneException: Django gave up.
            UnsupportedDatabase: The set-up uses other databases too.
        """
        build.build(
            self.alias,
            name,
            path,
            created,
            siblings=self.siblings,
            migrations=self._migrations,
            config=self._config,
        )
