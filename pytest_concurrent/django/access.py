"""Statements through the project's own driver, beside the connections that tests use."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager, nullcontext
from datetime import date, datetime
from typing import Any

import pytest
from django.db import Error
from django.db.backends.base.base import NO_DB_ALIAS

from pytest_concurrent.databases.recipe import Rows


@contextmanager
def unblocked(config: pytest.Config) -> Generator[None]:
    """Let Django connect although no test asked for a database."""
    blocker = _blocker(config)
    with nullcontext() if blocker is None else blocker.unblock():
        yield


def _blocker(config: pytest.Config) -> Any:
    plugin: Any = sys.modules.get("pytest_django.plugin")
    key = getattr(plugin, "blocking_manager_key", None)
    if key is not None:
        return config.stash.get(key, None)
    return getattr(plugin, "_blocking_manager", None)  # before 4.7


@contextmanager
def cursor_aside(connection: Any, database: str | None = None) -> Generator[Any]:
    """A cursor on a connection of its own, closed afterwards.

    Args:
        connection: Django's connection, whose settings count; it is not touched.
        database: The database to be in; None = the one from which Django makes others.
    """
    # Django takes `service` out of OPTIONS for good when it connects without a name, and an alias
    # of its own keeps the project's pool out of this.
    settings = {
        **connection.settings_dict,
        "OPTIONS": {**connection.settings_dict["OPTIONS"]},
        "AUTOCOMMIT": True,
    }
    if database is not None:
        settings["NAME"] = database
    aside = type(connection)(settings, alias=NO_DB_ALIAS)
    with warnings.catch_warnings():
        # That Django goes through another database where `postgres` is closed is for it to say
        # once, when tests are set up.
        warnings.simplefilter("ignore", RuntimeWarning)
        if database is None:
            with aside._nodb_cursor() as cursor:
                yield cursor
        else:
            try:
                with aside.cursor() as cursor:
                    yield cursor
            finally:
                aside.close()


#: Connections that are kept to different databases: what is made or restored at once, with room.
_MOST_OPEN = 32


class Statements:
    """Statements, each outside of any transaction.

    Args:
        connection: Gives Django's connection.
        config: pytest's configuration.
    """

    def __init__(self, connection: Callable[[], Any], config: pytest.Config) -> None:
        self._connection = connection
        self._config = config
        self._lasting = False
        self._open: dict[str | None, tuple[ExitStack, Any]] = {}

    @contextmanager
    def lasting(self) -> Generator[None]:
        """Keep connections open between statements, so that what one sets holds for the next."""
        self._lasting = True
        try:
            yield
        finally:
            self._lasting = False
            self._close(*self._open)

    def run(self, statement: str, database: str | None = None) -> Rows:
        """Run a statement and give its rows as text.

        Raises:
            Exception: The driver's own error.
        """
        with unblocked(self._config):
            try:
                if database is None:
                    self._leave(statement)
                cursor = self._cursor(database)
                cursor.execute(statement)
                return _rows(cursor)
            except Error as error:
                self._close_if_lost(database)
                raise error.__cause__ or error from None
            finally:
                if not self._lasting:
                    self._close(*self._open)

    def _leave(self, statement: str) -> None:
        """Close what leads to databases that a statement names: it may drop or copy them.

        No other: the keeper speaks to several databases by turns, in a transaction in each.
        """
        self._close(*(name for name in self._open if name is not None and name in statement))

    def _cursor(self, database: str | None) -> Any:
        if database not in self._open:
            if len(self._open) > _MOST_OPEN:
                self._close(next(name for name in self._open if name is not None))
            stack = ExitStack()
            cursor = stack.enter_context(cursor_aside(self._connection(), database))
            self._open[database] = (stack, cursor)
        return self._open[database][1]

    def _close_if_lost(self, database: str | None) -> None:
        if database in self._open and not self._open[database][1].db.is_usable():
            self._close(database)

    def _close(self, *databases: str | None) -> None:
        for database in list(databases):
            self._open.pop(database)[0].close()


def _rows(cursor: Any) -> Rows:
    if cursor.description is None:
        return []
    result = getattr(cursor.cursor, "pgresult", None)
    if result is None:
        return [[_text(value) for value in row] for row in cursor.fetchall()]
    return [
        [_text(result.get_value(row, column)) for column in range(result.nfields)]
        for row in range(result.ntuples)
    ]


def _text(value: Any) -> str | None:
    """A value as the server would write it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode(errors="surrogateescape")
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, datetime | date):
        return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
    return str(value)
