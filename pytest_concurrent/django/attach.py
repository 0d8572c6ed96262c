"""Workers take clones where Django would create test databases."""

from __future__ import annotations

import inspect
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest
from django.conf import settings as django_settings
from django.db import connections

from pytest_concurrent.databases.keeper import Keeper
from pytest_concurrent.django import effective
from pytest_concurrent.exceptions import (
    DatabaseCloneException,
    DatabaseTemplateException,
    UnsupportedDatabase,
)

#: Pages that are copied between two looks at the clock: 4 MiB of SQLite's usual pages.
_PAGES = 1024

#: Seconds for which others may keep a SQLite database from being filled.
_LOCKED = 30.0


class Recipe(Protocol):
    """What a worker must know of a database."""

    alias: str
    vendor: str
    siblings: tuple[str, ...]

    def settings(self) -> dict[str, Any] | None:
        """Its settings as they can travel to the process that builds templates."""

    def target(self) -> dict[str, Any]:
        """Where its server is."""


@dataclass
class Attached:
    """The clone that one alias of this worker uses.

    Attributes:
        recipe: The database.
        creation: Django's object that creates and destroys it.
        name: The clone's name.
        identity: What a connection can ask the server to know that it is there.
        shown: What Django calls it: the name, with SQLite a path or a URI.
        file: SQLite: the clone's file.
        source: SQLite: what holds the state that a reset goes back to; a file, or a database that
            only its connection leads to.
        memory: Whether it is a SQLite database in memory, filled from the clone's file.
        generation: Grows when another clone takes the place of this one.
    """

    recipe: Recipe
    creation: Any
    name: str
    identity: str
    shown: str
    file: str | None = None
    source: str | sqlite3.Connection | None = None
    memory: bool = False
    generation: int = 0

    @property
    def alias(self) -> str:
        """The alias that Django created it for."""
        return self.recipe.alias

    @property
    def aliases(self) -> tuple[str, ...]:
        """Every alias that leads to it."""
        return (self.recipe.alias, *self.recipe.siblings)

    @property
    def connection(self) -> Any:
        """Django's connection to it in the thread that runs tests."""
        return self.creation.connection


class Clones:
    """The clones of one worker, and how Django comes to them.

    Args:
        keeper: The worker's conversation with the keeper.
        patience: Seconds to wait for a template that is still being built.
        fall_back: Whether Django may create what cannot be cloned.
    """

    def __init__(self, keeper: Keeper, patience: float, *, fall_back: bool) -> None:
        self._keeper = keeper
        self._patience = patience
        self._fall_back = fall_back
        self._attached: dict[str, Attached] = {}
        #: Told of each clone that a database was attached to.
        self.on_attached: Callable[[Attached], None] = lambda attached: None

    def __iter__(self) -> Iterator[Attached]:
        """Every clone in use, once."""
        return iter({id(one): one for one in self._attached.values()}.values())

    def of(self, alias: str) -> Attached | None:
        """The clone that an alias leads to; None = it is not ours."""
        return self._attached.get(alias)

    def of_all(self, aliases: Iterable[str]) -> list[Attached]:
        """The clones that some aliases lead to, each once."""
        found = (self._attached.get(alias) for alias in aliases)
        return list({id(one): one for one in found if one is not None}.values())

    def wrap(self, recipe: Recipe) -> None:
        """Take the place of Django's way to create and destroy one test database.

        The object's methods, not its class's: other aliases of the class keep theirs.
        """
        creation = connections[recipe.alias].creation
        create, destroy = creation.create_test_db, creation.destroy_test_db

        def create_test_db(*arguments: Any, **keywords: Any) -> Any:
            __tracebackhide__ = True
            call = inspect.signature(create).bind(*arguments, **keywords)
            call.apply_defaults()
            try:
                return self._create(recipe, creation, call.arguments)
            except UnsupportedDatabase as error:
                if not self._fall_back:
                    fail_test(error)
                creation.log(f"Database {recipe.alias!r} cannot be cloned: {error}")
                return create(*arguments, **keywords)
            except DatabaseTemplateException as error:
                fail_test(error)

        def destroy_test_db(*arguments: Any, **keywords: Any) -> Any:
            call = inspect.signature(destroy).bind(*arguments, **keywords)
            call.apply_defaults()
            attached = self._attached.get(recipe.alias)
            if attached is None or call.arguments.get("suffix") is not None:
                return destroy(*arguments, **keywords)
            return self._destroy(attached, call.arguments)

        creation.create_test_db, creation.destroy_test_db = create_test_db, destroy_test_db

    def _create(self, recipe: Recipe, creation: Any, arguments: dict[str, Any]) -> str:
        answer = self._keeper.request(
            "clone",
            wait=self._patience,
            alias=recipe.alias,
            # The settings as they are now, not as they were in the controller: fixtures that ran
            # before this one may have changed them.
            fingerprint=effective.fingerprint(recipe.alias),
            settings=recipe.settings(),
        )
        if arguments.get("verbosity", 0) >= 1:
            shown = creation._get_database_display_str(arguments["verbosity"], answer["name"])
            creation.log(f"Cloning test database for alias {shown}...")
        attached = Attached(recipe, creation, "", "", "")
        if recipe.vendor == "sqlite":
            test_name = creation._get_test_db_name()
            attached.memory = bool(creation.is_in_memory_db(test_name))
            attached.shown = test_name if attached.memory else ""
            if not attached.memory and answer["name"] == answer["template"]:
                # The template itself: right for who copies it into memory, and only for those.
                raise UnsupportedDatabase(
                    f"it was in memory when the run began, and is to be the file {test_name} now"
                )
        self._use(attached, answer)
        connection = attached.connection
        connection.ensure_connection()
        if arguments.get("serialize"):
            connection._test_serialized_contents = creation.serialize_db_to_string()
        self.on_attached(attached)
        return attached.shown

    def _use(self, attached: Attached, answer: dict[str, Any]) -> None:
        """Lead every alias to a clone that the keeper named."""
        _let_go(attached)
        attached.name, attached.identity = answer["name"], str(answer["identity"])
        attached.file = answer.get("path")
        attached.generation += 1
        if not attached.memory:
            attached.shown = attached.file or attached.name
        for alias in attached.aliases:
            self._attached[alias] = attached
        self._lead(attached, attached.shown)
        if attached.file is not None:
            template = _file_of(attached.recipe, answer["template"])
            attached.source = attached.file if attached.memory else template
        if attached.memory:
            self.refill(attached)
        forget_rows()

    def _lead(self, attached: Attached, name: str) -> None:
        """Change the name in place: settings and the connections of other threads share the dict.

        Further aliases follow only when they were led here before: Django does the first step.
        """
        # Before the first of the two is changed: they are one dict, unless somebody copied it.
        before = attached.connection.settings_dict["NAME"]
        django_settings.DATABASES[attached.alias]["NAME"] = name
        attached.connection.settings_dict["NAME"] = name
        for alias in attached.recipe.siblings:
            entry = connections.settings[alias]
            if entry["NAME"] == before:
                entry["NAME"] = name

    def exchange(self, attached: Attached) -> None:
        """Give the clone back for what holds the template's state again.

        Raises:
            DatabaseTemplateException: There is none.
        """
        _let_go(attached)
        answer = self._keeper.request("restore", wait=self._patience, name=attached.name)
        if not answer["in_place"]:
            self._use(attached, {"template": "", **answer})
        forget_rows()

    def refill(self, attached: Attached) -> None:
        """SQLite: put the state of the source back, through a connection of its own or Django's."""
        assert attached.source is not None
        if not attached.memory:
            _let_go(attached)
            with closing(sqlite3.connect(attached.shown)) as target:
                fill(target, attached.source)
        else:
            # Its open connection is what keeps the database in memory alive.
            attached.connection.ensure_connection()
            fill(attached.connection.connection, attached.source)
        forget_rows()

    def keep_state(self, attached: Attached) -> None:
        """From now on go back to the state that the clone has now, in place of the template's.

        Raises:
            DatabaseTemplateException: The server does not know how.
        """
        if attached.file is None:
            _let_go(attached)
            self._keeper.request("snapshot", wait=self._patience, name=attached.name)
            return
        # Without a name: SQLite keeps it in a file that nobody else sees and that goes with it.
        kept = sqlite3.connect("", check_same_thread=False)
        attached.connection.ensure_connection()
        attached.connection.connection.backup(kept)
        attached.source = kept

    def _destroy(self, attached: Attached, arguments: dict[str, Any]) -> None:
        connection = attached.connection
        _let_go(attached)
        for alias in attached.aliases:
            self._attached.pop(alias, None)
        old = arguments.get("old_database_name")
        if old is not None:
            django_settings.DATABASES[attached.alias]["NAME"] = old
            connection.settings_dict["NAME"] = old
        self._keeper.request("retire", name=attached.name)

    def end_sessions(self, name: str) -> int:
        """End the connections to a clone; how many. The keeper refuses what is not ours."""
        return int(self._keeper.request("end_sessions", name=name)["ended"])


def _let_go(attached: Attached) -> None:
    """Close what this thread has open, a pool included: Django leaves it on the old database."""
    for alias in attached.aliases:
        connection = connections[alias]
        connection.close()
        close_pool = getattr(connection, "close_pool", None)
        if close_pool is not None:
            close_pool()


def forget_rows() -> None:
    """Drop what Django and its apps remember of rows and types of a database."""
    content_types: Any = sys.modules.get("django.contrib.contenttypes.models")
    if content_types is not None:
        content_types.ContentType.objects.clear_cache()
    sites: Any = sys.modules.get("django.contrib.sites.models")
    if sites is not None:
        sites.Site.objects.clear_cache()
    postgres: Any = sys.modules.get("django.contrib.postgres.signals")
    for name in ("get_hstore_oids", "get_citext_oids"):
        cached = getattr(postgres, name, None)
        if cached is not None:
            cached.cache_clear()


def fill(target: sqlite3.Connection, source: str | sqlite3.Connection) -> None:
    """Make a SQLite database the copy of another one, page by page, in place.

    Args:
        target: A connection to it, in no transaction.
        source: The other one, or its file, which nobody writes to.

    Raises:
        DatabaseCloneException: Somebody kept it locked, or the file is damaged.
    """
    until = time.monotonic() + _LOCKED

    def watch(status: int, remaining: int, total: int) -> None:
        # Python itself would wait for a lock for ever.
        if remaining and time.monotonic() > until:
            raise TimeoutError

    try:
        with ExitStack() as stack:
            if isinstance(source, str):
                uri = f"{Path(os.path.abspath(source)).as_uri()}?mode=ro&immutable=1"
                source = stack.enter_context(closing(sqlite3.connect(uri, uri=True)))
            source.backup(target, pages=_PAGES, progress=watch, sleep=0.01)
    except (sqlite3.Error, TimeoutError) as error:
        why = str(error) or f"another connection kept it locked for {_LOCKED:.0f} s"
        raise DatabaseCloneException(f"the database could not be filled: {why}") from error


def _file_of(recipe: Recipe, template: str) -> str:
    return str(Path(recipe.target()["templates"], f"{template}.sqlite3"))


def fail_test(error: DatabaseTemplateException) -> Any:
    """The error of every test that needs the database; our own frames would tell nothing."""
    __tracebackhide__ = True
    pytest.fail(f"{error}. {error.hint}", pytrace=False)
