"""The databases of a Django project, as a run asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connections

from pytest_concurrent.databases.keeper import Door
from pytest_concurrent.django import checks
from pytest_concurrent.django.plugin import DjangoWorker
from pytest_concurrent.django.recipe import DjangoRecipe, Places, Selection, recipes
from pytest_concurrent.django.reset import uses
from pytest_concurrent.exceptions import SecurityException, UnsupportedDatabase
from pytest_concurrent.settings import Settings


class DjangoProvider:
    """Knows the databases of Django's settings.

    Args:
        config: pytest's configuration.
        settings: What was asked for.
        folder: Where SQLite's files are kept.
    """

    #: pytest-django sets databases up there.
    serves_without_workers = False

    def __init__(self, config: pytest.Config, settings: Settings, folder: Path) -> None:
        self._config = config
        self._settings = settings
        self._places = Places(
            project=str(getattr(django_settings, "PROJECT_NAME", "") or config.rootpath.name),
            root=config.rootpath,
            templates=folder / "templates",
            clones=folder / "clones",
            allowed=settings.allow_databases,
            inputs=tuple(settings.database_inputs),
        )
        self._selection = Selection([], {})

    def usual_order(self, items: Sequence[pytest.Item]) -> Sequence[pytest.Item]:
        """The order that pytest-django alone gives these tests."""
        ordered = list(items)
        plugin: Any = self._config.pluginmanager.getplugin("django")
        plugin.pytest_collection_modifyitems(ordered)
        return ordered

    def turn(self, item: pytest.Item) -> int:
        """Transactional tests come after the others, as in Django: they leave tables empty."""
        return int(uses(item)[1])

    def recipes(self, session: pytest.Session) -> Sequence[DjangoRecipe]:
        """The databases that the collected tests need, as pytest-django sees it.

        Raises:
            SecurityException: They may not be opened.
            UnsupportedDatabase: One cannot be cloned, and ``--concurrent-db=clone`` demands it.
        """
        aliases, serialized = _needed(session.items)
        if not aliases:
            return []
        if why := checks.refusal(aliases, self._settings.allow_databases):
            raise SecurityException(why, hint="Nothing was opened.")
        self._selection = recipes(self._config, aliases, serialized, self._places)
        if self._selection.unknown and self._settings.db == "clone":
            alias, why = next(iter(self._selection.unknown.items()))
            raise UnsupportedDatabase(f"{alias!r}: {why}")
        return self._selection.recipes

    def all_recipes(self) -> Sequence[DjangoRecipe]:
        """Every database of the settings that we know how to reach."""
        return recipes(self._config, set(connections), set(), self._places).recipes

    def fallbacks(self) -> Sequence[str]:
        """Which databases are left to Django, and why."""
        return [
            f"database {alias!r}: Django's own way, once per worker: {why}"
            for alias, why in self._selection.unknown.items()
        ]

    def remarks(self) -> Sequence[str]:
        """What looks odd in the settings."""
        return checks.warnings() if self._selection.recipes else ()

    def worker_plugin(self, door: Door) -> object:
        """What lets workers use clones."""
        return DjangoWorker(door, self._selection.recipes, self._settings)

    def let_go(self) -> None:
        """Nothing: clones are used in workers alone."""


def _needed(items: Sequence[pytest.Item]) -> tuple[set[str], set[str]]:
    """The aliases that tests use, and those whose contents are to be written down."""
    from pytest_django import fixtures

    inspect: Any = getattr(fixtures, "_get_databases_for_setup", None)
    if inspect is None:  # before 4.11 every alias was set up
        return set(connections), set(connections)
    aliases, serialized = inspect(items)
    return set(aliases), set(serialized)
