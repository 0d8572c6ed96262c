"""Building a template the way Django does, in a process that does nothing else."""

from __future__ import annotations

import inspect
import os
import sqlite3
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import (
    ExitStack,
    closing,
    contextmanager,
    redirect_stderr,
    redirect_stdout,
    suppress,
)
from typing import Any, NoReturn

import pytest
from django.conf import settings
from django.db import connections
from django.test.utils import setup_test_environment

from pytest_concurrent.django.access import unblocked
from pytest_concurrent.django.effective import NoMigrations
from pytest_concurrent.exceptions import DatabaseCloneException, UnsupportedDatabase

#: Inherited connections, kept so that none is closed: that would end its owner's session.
_INHERITED: list[Any] = []

#: What other aliases are called while one is built: no such database, nowhere.
_NOWHERE = "test_not_there_while_another_is_built"


def build(
    alias: str,
    name: str,
    path: str | None,
    created: Callable[[], None],
    *,
    siblings: Sequence[str],
    migrations: bool,
    config: pytest.Config,
) -> None:
    """Let Django create and fill the test database of one alias.

    Args:
        alias: The alias.
        name: The database's name.
        path: SQLite: the file that it ends up in.
        created: Called when the database exists and is empty.
        siblings: Other aliases of the same database.
        migrations: Whether migrations run.
        config: pytest's configuration.

    Raises:
        DatabaseCloneException: Django gave up.
        UnsupportedDatabase: The set-up uses the databases of other aliases too.
    """
    let_go_of_connections()
    _set_up_environment(config)
    if not migrations:
        settings.MIGRATION_MODULES = NoMigrations()
    connection = connections[alias]
    with ExitStack() as stack:
        stack.enter_context(redirect_stdout(sys.__stdout__))
        stack.enter_context(redirect_stderr(sys.__stderr__))
        stack.enter_context(unblocked(config))
        in_memory = connection.vendor == "sqlite"
        stack.enter_context(_named(connection, ":memory:" if in_memory else name))

        def began() -> None:
            created()
            stack.enter_context(_alone(alias, siblings))

        _create(connection, began)
        if in_memory:
            _save(connection, path)


def let_go_of_connections() -> None:
    """Forget connections that were inherited by a fork, without a word to the server."""
    with open(os.devnull, "r+b") as null:
        for connection in connections.all(initialized_only=True):
            inherited = connection.connection
            if inherited is None:
                continue
            _INHERITED.append(inherited)
            if connection.vendor != "sqlite":
                os.dup2(null.fileno(), _descriptor(inherited))
            connection.connection = None
            connection.close_at = None
            connection.in_atomic_block = False
            connection.savepoint_ids = []
            connection.needs_rollback = False
            pools = getattr(connection, "_connection_pools", {})
            _INHERITED.append(pools.pop(connection.alias, None))


def _descriptor(inherited: Any) -> int:
    if hasattr(inherited, "fileno"):
        return int(inherited.fileno())
    return int(inherited._sock.fileno())  # PyMySQL


def _set_up_environment(config: pytest.Config) -> None:
    """As pytest-django's fixture does."""
    debug: bool | None = False
    with suppress(ValueError):  # no such key: an older version, or none
        wanted = str(config.getini("django_debug_mode")).lower()
        debug = None if wanted == "keep" else wanted in {"true", "1"}
    with suppress(RuntimeError):  # the project has done so
        setup_test_environment(debug=debug)


@contextmanager
def _named(connection: Any, name: str) -> Generator[None]:
    """Give the test database a name, in place: the dict is shared with settings and threads."""
    entry = connection.settings_dict
    before, test_before = entry["NAME"], entry["TEST"]["NAME"]
    entry["TEST"]["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        if hasattr(connection, "close_pool"):
            connection.close_pool()
        entry["NAME"], entry["TEST"]["NAME"] = before, test_before


@contextmanager
def _alone(alias: str, siblings: Sequence[str]) -> Generator[None]:
    """Keep migrations from other aliases: what they are called now may be real databases."""
    name = connections[alias].settings_dict["NAME"]
    names = {}
    with ExitStack() as stack:
        for connection in connections.all():
            other = connection.alias
            if other == alias:
                continue
            names[other] = connection.settings_dict["NAME"]
            if other in siblings:
                connection.settings_dict["NAME"] = name
                stack.callback(connection.close)
            else:
                connection.settings_dict["NAME"] = _NOWHERE
                connection.connect = _refusing(alias, other)
                stack.callback(delattr, connection, "connect")
        try:
            yield
        finally:
            _restore(names)


def _restore(names: Mapping[str, str]) -> None:
    for alias, name in names.items():
        connections[alias].settings_dict["NAME"] = name


def _refusing(alias: str, other: str) -> Callable[[], NoReturn]:
    def connect() -> NoReturn:
        raise UnsupportedDatabase(
            f"setting up database {alias!r} uses database {other!r} too, so neither can be kept "
            "as a template"
        )

    return connect


def _create(connection: Any, began: Callable[[], None]) -> None:
    creation = connection.creation
    stock, said = creation._create_test_db, list[str]()

    def create(*arguments: Any, **keywords: Any) -> Any:
        result = stock(*arguments, **keywords)
        # Django switches only afterwards; who is kept from other databases must know which is ours.
        connection.close()
        connection.settings_dict["NAME"] = result
        began()
        return result

    creation._create_test_db, creation.log = create, said.append
    # The name is random, so nothing of that name is there, and nothing may be dropped if it were.
    options = {"verbosity": 0, "autoclobber": False, "keepdb": False}
    if _serializes_itself(creation):
        options["serialize"] = False
    try:
        creation.create_test_db(**options)
    except SystemExit as error:
        text = "; ".join(said) or f"it ended with status {error.code}"
        raise DatabaseCloneException(f"Django could not create the database: {text}") from error
    finally:
        del creation._create_test_db, creation.log


def _serializes_itself(creation: Any) -> bool:
    """Whether this Django writes the contents down unless told not to: up to 5.2."""
    parameter = inspect.signature(creation.create_test_db).parameters.get("serialize")
    return parameter is not None and parameter.default is True


def _save(connection: Any, path: str | None) -> None:
    assert path is not None
    connection.ensure_connection()
    with closing(sqlite3.connect(path)) as file:
        connection.connection.backup(file)
