"""What follows a test, decided as late as its teardown needs to know.

pytest tears a fixture down when the next test does not need it. Who decides the next test before
this one runs must hold it back for this worker, however long this one takes. So tests get a
stand-in that asks only when teardown looks at it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from pytest_concurrent._engine import WorkerLink
from pytest_concurrent.compat import lookahead

NOTHING = -1
NOT_NOW = -2


class Break:
    """Follows the last test before a pause: needs the session's fixtures and nothing else."""

    def __init__(self, session: pytest.Session) -> None:
        self._session = session

    def listchain(self) -> list[pytest.Session]:
        """The collectors whose fixtures stay."""
        return [self._session]


class NextItem:
    """Stands for the next item until somebody looks."""

    def __init__(
        self, link: WorkerLink, session: pytest.Session, items: Sequence[pytest.Item | None]
    ) -> None:
        self._link = link
        self._session = session
        self._items = items
        self._resolved: Any = None
        self._is_resolved = False

    def resolve(self) -> Any:
        """The item, None, or a `Break`. The first call may wait for the controller."""
        if not self._is_resolved:
            self._resolved = follower(self._link.peek(), self._session, self._items)
            self._is_resolved = True
        return self._resolved

    @property
    def resolved(self) -> Any:
        """What it stands for if somebody looked; False if nobody did."""
        return self._resolved if self._is_resolved else False

    def listchain(self) -> list[Any]:
        """The collectors whose fixtures stay: what pytest's teardown asks for."""
        resolved = self.resolve()
        return [] if resolved is None else list(resolved.listchain())

    def __bool__(self) -> bool:
        return self.resolve() is not None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.resolve(), name)

    def __eq__(self, other: object) -> bool:
        return bool(self.resolve() == (other.resolve() if isinstance(other, NextItem) else other))

    def __hash__(self) -> int:
        return hash(self.resolve())


def follower(peeked: int, session: pytest.Session, items: Sequence[pytest.Item | None]) -> Any:
    """The item of this number, None for nothing, or a `Break` for nothing now."""
    if peeked >= 0:
        return items[peeked]
    return None if peeked == NOTHING else Break(session)


def may_be_lazy(config: pytest.Config) -> bool:
    """Whether no plugin looks at `nextitem` in a way that a stand-in might mislead."""
    return not lookahead.onlookers(config)
