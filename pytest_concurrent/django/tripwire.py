"""Each new connection of a worker is asked where it leads before anybody writes through it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from typing import Any, NoReturn

import pytest
from django.db import connections

from pytest_concurrent.django.attach import Attached

_POSTGRESQL = (
    "SELECT current_database(), (SELECT oid FROM pg_database WHERE datname = current_database())"
)
_MARIADB = (
    "SELECT DATABASE(), SCHEMA_COMMENT FROM information_schema.SCHEMATA "
    "WHERE SCHEMA_NAME = DATABASE()"
)

#: The same number in every driver, as it is libpq's.
_IDLE = 0

_CAUSES = (
    "Probable causes: a pool of connections was opened before the tests' databases were set up; "
    "settings.DATABASES was changed while the tests run; the address leads to more than one server."
)


class Tripwire:
    """Stops the run when a connection leads elsewhere than to the worker's clone.

    Attributes:
        session: pytest's session of this worker; None = there is none yet.
    """

    def __init__(self) -> None:
        self.session: pytest.Session | None = None
        self._tripped = ""

    def check(self, wrapper: Any, raw: Any, attached: Attached) -> None:
        """Ask a new connection where it leads.

        Args:
            wrapper: Django's connection.
            raw: The driver's, which Django has not touched yet.
            attached: Where it must lead.

        Raises:
            Exit: It leads elsewhere.
        """
        shared = wrapper.settings_dict is connections.settings.get(wrapper.alias)
        if not shared and wrapper.settings_dict["NAME"] != attached.shown:
            # A copy with settings of its own goes where whoever made it says.
            return
        if self._tripped:
            _stop(self._tripped)
        reached = where(raw, attached)
        if reached is not None:
            with suppress(Exception):
                raw.close()
            self._trip(attached, reached)

    def _trip(self, attached: Attached, reached: str) -> NoReturn:
        self._tripped = (
            f"wrong database: a connection of alias {attached.alias!r} reached {reached}, not "
            f"this worker's {attached.shown!r}. Nothing was written through it. {_CAUSES}"
        )
        if self.session is not None:
            # Tests may catch what is raised here; the run stops all the same.
            self.session.shouldstop = self._tripped
        _stop(self._tripped)


def where(raw: Any, attached: Attached) -> str | None:
    """Where a connection leads, in words; None = where it should.

    Args:
        raw: The driver's connection.
        attached: Where it should lead.
    """
    if attached.memory:
        return None
    if attached.recipe.vendor == "sqlite":
        return _sqlite(raw, attached)
    if attached.recipe.vendor == "postgresql":
        name, identity = _row_without_transaction(raw, _POSTGRESQL)
    elif attached.identity == attached.name:
        (name,) = _row(raw, "SELECT DATABASE()")
        identity = name
    else:
        name, identity = _row(raw, _MARIADB) or (None, None)
    if name == attached.name and str(identity) == attached.identity:
        return None
    if name == attached.name:
        return f"another database of the name {name!r}"
    return repr(name) if name else "no database at all"


def _sqlite(raw: Any, attached: Attached) -> str | None:
    for _, name, file in raw.execute("PRAGMA database_list"):
        if name == "main":
            with suppress(OSError):
                if os.path.samefile(file, attached.shown):
                    return None
            return repr(file or "a database without a file")
    return "no database at all"


def _row_without_transaction(raw: Any, statement: str) -> Sequence[Any]:
    """PostgreSQL: Django sets autocommit next, which drivers refuse within a transaction."""
    if raw.info.transaction_status != _IDLE:
        return _row(raw, statement)
    before = raw.autocommit
    raw.autocommit = True
    try:
        return _row(raw, statement)
    finally:
        raw.autocommit = before


def _row(raw: Any, statement: str) -> Sequence[Any]:
    """The only row, whatever rows are made into."""
    with closing(raw.cursor()) as cursor:
        cursor.execute(statement)
        rows = list(cursor.fetchall())
    if not rows:
        return ()
    row = rows[0]
    values = tuple(row.values()) if isinstance(row, Mapping) else tuple(row)
    return tuple(one.decode() if isinstance(one, bytes) else one for one in values)


def _stop(reason: str) -> NoReturn:
    pytest.exit(reason)
