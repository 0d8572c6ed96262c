"""How one database is reached, recognised and built: what the rest of this room is told by."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from pytest_concurrent.databases.inputs import Inputs

#: The rows of an answer, every value as text; None is NULL.
Rows = list[list[str | None]]


class Recipe(Protocol):
    """One database that tests use.

    Attributes:
        alias: What tests call it; unique in a run.
        vendor: ``postgresql``, ``mysql`` (MariaDB too) or ``sqlite``.
        project: Whose templates these are.
        creates_database: Whether `build` creates the database itself; otherwise it finds it empty.
    """

    alias: str
    vendor: str
    project: str
    creates_database: bool

    @property
    def has_driver(self) -> bool:
        """Whether `sql` can be used."""

    def fingerprint(self) -> str:
        """Digest of the settings in force, without names of databases.

        Equal in the controller and in a worker unless a fixture changed what matters.
        """

    def settings(self) -> dict[str, Any] | None:
        """Those settings as they can travel to another process; None = they cannot."""

    def apply(self, settings: dict[str, Any]) -> None:
        """Put settings in force that came from another process."""

    def target(self) -> dict[str, Any]:
        """Where the server is, as the engine takes it.

        Raises:
            UnsupportedDatabase: The engine could not get in the way the project does.
        """

    def sql(self, statement: str, database: str | None = None) -> Rows:
        """Run a statement through the project's own driver, outside of any transaction.

        Args:
            statement: One statement.
            database: The database to be in; None = the one that databases are made from.
        """

    def lasting(self) -> AbstractContextManager[None]:
        """Keep connections open between statements, so that what one sets holds for the next."""

    def inputs(self) -> Inputs:
        """What goes into the template, as far as it is known before it is built."""

    def build(self, name: str, path: str | None, created: Callable[[], None]) -> None:
        """Run the project's own set-up.

        Args:
            name: The name that the database gets.
            path: SQLite: the file that it gets.
            created: To be called as soon as the database exists and before anything is in it.
        """
