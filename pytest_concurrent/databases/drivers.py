"""The drivers that a project without Django may have, as far as we need them ourselves."""

from __future__ import annotations

import importlib
import os
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from functools import cache
from importlib import metadata, util
from typing import Any

from pytest_concurrent import _engine
from pytest_concurrent.databases.recipe import Rows
from pytest_concurrent.databases.url import DatabaseUrl
from pytest_concurrent.exceptions import DatabaseTemplateException, UnsupportedDatabase

#: Modules that speak to an engine and that we know how to use, the best first.
_MODULES = {"postgresql": ("psycopg", "psycopg2"), "mysql": ("MySQLdb", "pymysql")}

#: The word that SQLAlchemy calls a driver by, where it is not the module's name.
_NICKNAMES = {"mysqldb": "MySQLdb"}

#: What to install where there is none.
_HINTS = {
    "postgresql": "pip install 'psycopg[binary]'",
    "mysql": "pip install pymysql",
}

#: Distributions whose version may change what a set-up makes.
_DISTRIBUTIONS = (
    "aiomysql",
    "aiosqlite",
    "alembic",
    "asyncmy",
    "asyncpg",
    "mysqlclient",
    "mysql-connector-python",
    "peewee",
    "pg8000",
    "psycopg",
    "psycopg2",
    "psycopg2-binary",
    "PyMySQL",
    "SQLAlchemy",
    "sqlmodel",
    "tortoise-orm",
    "yoyo-migrations",
)

#: Seconds to wait for a connection, as long as the engine waits by default.
_PATIENCE = 10

#: Connections that must never be closed here, not even by the garbage collector.
_INHERITED: list[Any] = []

_MAINTENANCE = {"postgresql": "postgres", "mysql": ""}


@cache
def versions() -> dict[str, str]:
    """The installed distributions that a set-up may use, and their versions."""
    found = {}
    for name in _DISTRIBUTIONS:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


class Driver:
    """Statements through a driver of the project, each in a transaction of its own.

    Args:
        url: The server.
    """

    def __init__(self, url: DatabaseUrl) -> None:
        self._url = url
        self._module = _module(url)
        self._maintenance: Any = None
        self._owner = 0
        self._lasting = False
        self._open: dict[str, Any] = {}

    @property
    def is_there(self) -> bool:
        """Whether there is a driver that we know."""
        return self._module is not None or self._url.engine == "sqlite"

    def sql(self, statement: str, database: str | None) -> Rows:
        """Run a statement.

        Args:
            statement: One statement.
            database: The database, or SQLite's file; None = the one to make databases from.

        Raises:
            UnsupportedDatabase: There is no driver.
            DatabaseTemplateException: The server cannot be reached.
        """
        if database is None:
            return self._kept_rows(self._standing(), statement)
        if self._lasting:
            return self._kept_rows(self._there(database), statement)
        # A connection to a template would keep it from being copied: it goes at once.
        with closing(self._connect(database)) as connection:
            return _rows(connection, statement)

    def _kept_rows(self, connection: Any, statement: str) -> Rows:
        try:
            return _rows(connection, statement)
        except Exception:
            if getattr(connection, "closed", False) or not getattr(connection, "open", True):
                # The other side ended it: the next statement gets another.
                self._open = {key: one for key, one in self._open.items() if one is not connection}
                if connection is self._maintenance:
                    self._maintenance = None
            raise

    @contextmanager
    def lasting(self) -> Generator[None]:
        """Keep the connection to a database until another is asked for."""
        self._lasting = True
        try:
            yield
        finally:
            self._lasting = False
            self._leave()
            self.close()

    def _there(self, database: str) -> Any:
        if database not in self._open:
            self._leave()
            self._open[database] = self._connect(database)
        return self._open[database]

    def _leave(self) -> None:
        while self._open:
            # The keeper may have ended it from the other side.
            with suppress(Exception):
                self._open.popitem()[1].close()

    def close(self) -> None:
        """Let go of the connection that `sql` keeps; another call opens another."""
        if self._maintenance is not None and self._owner == os.getpid():
            self._maintenance.close()
            self._maintenance = None

    def _standing(self) -> Any:
        """The connection that stays, because locks are the connection's."""
        if self._maintenance is not None and self._owner != os.getpid():
            # It came through a fork: whoever closes it ends its parent's.
            _INHERITED.append(self._maintenance)
            self._maintenance = None
        if self._maintenance is None:
            self._maintenance, self._owner = self._connect(None), os.getpid()
        return self._maintenance

    def resolved(self) -> dict[str, Any]:
        """Where libpq gets by this URL: with its variables, password file and defaults."""
        if self._module is None or self._url.engine != "postgresql":
            return {}
        with closing(self._connect(None)) as connection:
            info = connection.info
            at_socket = info.host.startswith("/")
            return {
                "host": None if at_socket else info.host,
                "socket": info.host if at_socket else None,
                "port": info.port,
                "user": info.user,
                "password": info.password or None,
            }

    def _connect(self, database: str | None) -> Any:
        url = self._url
        if url.engine == "sqlite":
            return sqlite3.connect(database or ":memory:", isolation_level=None)
        if self._module is None:
            raise UnsupportedDatabase(
                f"{url.source}: no driver for {url.scheme}:// that we know is installed",
                hint=f"{_HINTS[url.engine]}, or another driver: {', '.join(_MODULES[url.engine])}.",
            )
        module = importlib.import_module(self._module)
        name = _MAINTENANCE[url.engine] if database is None else database
        params = replace(url, driver=self._module.lower()).params(name)
        params.setdefault("connect_timeout", _PATIENCE)
        if not name:
            del params["database"]
        try:
            connection = module.connect(**params)
        except module.Error as error:
            text = _engine.redact(str(error), [url.password or ""])
            raise DatabaseTemplateException(
                f"no connection to {url.place} ({url.source}): {text.strip()}",
                hint="Look whether the server runs, and whether the URL is right.",
            ) from None
        _commit_at_once(connection)
        return connection


def _commit_at_once(connection: Any) -> None:
    """Set autocommit: an attribute with PostgreSQL's drivers, a method with MySQL's."""
    if callable(connection.autocommit):
        connection.autocommit(True)
    else:
        connection.autocommit = True


def _module(url: DatabaseUrl) -> str | None:
    known = _MODULES.get(url.engine, ())
    named = _NICKNAMES.get(url.driver, url.driver)
    # The one that the URL names reaches the server as the project does.
    order = [named, *known] if named in known else known
    return next((name for name in order if util.find_spec(name) is not None), None)


def _rows(connection: Any, statement: str) -> Rows:
    with closing(connection.cursor()) as cursor:
        cursor.execute(statement)
        if cursor.description is None:
            return []
        return [[_text(value) for value in row] for row in cursor.fetchall()]


def _text(value: object) -> str | None:
    """A value as PostgreSQL and MySQL would send it as text."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return str(value)
