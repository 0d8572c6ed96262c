"""For tests that look after their database connections themselves.

What concerns databases of this package works in its workers, where ``--concurrent-db`` is not off.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pytest_concurrent.exceptions import SecurityException

if TYPE_CHECKING:
    from pytest_concurrent.django.plugin import Active

__all__ = [
    "get_connection_pool_stats",
    "terminate_connections",
    "verify_database_isolation",
    "wait_for_database_ready",
]

#: MariaDB speaks MySQL's protocol, and Django calls both mysql.
_VENDORS = {"mariadb": "mysql", "postgres": "postgresql", "sqlite3": "sqlite"}


def get_connection_pool_stats() -> dict[str, int]:
    """Count the connections of this worker to its clones.

    Returns:
        ``active``: connections that are open now. ``pooled``: connections that wait in pools.
        ``hits``: how often a query or a transaction found a connection open. ``misses``: how often
        one had to be opened. All are 0 outside of workers.
    """
    active = _active()
    if active is None:
        return dict.fromkeys(("active", "pooled", "hits", "misses"), 0)
    return active.connections.statistics()


def terminate_connections(name: str, vendor: str) -> int:
    """End every connection to one of this worker's clones, whoever opened it.

    Args:
        name: The clone's name on the server, as in ``connection.settings_dict["NAME"]``.
        vendor: ``postgresql``, ``mysql``, ``mariadb`` or ``sqlite``, which has none to end.

    Returns:
        How many were ended.

    Raises:
        SecurityException: The database is not a clone of this worker's; nothing was ended.
        DatabaseTemplateException: The server did not do it.
    """
    active = _active()
    if active is None:
        raise SecurityException(
            f"database {name!r} is not known to be a clone: this is not a worker that has any",
            hint="Call it in a test of a concurrent run with --concurrent-db other than off.",
        )
    vendor = vendor.lower()
    return active.end_sessions(name, _VENDORS.get(vendor, vendor))


def verify_database_isolation(connections: Iterable[Any]) -> bool:
    """Make sure that connections lead to this worker's own clones and nowhere else.

    Each is opened if it is not, and asked at the server.

    Args:
        connections: ``django.db.connections``, aliases, or Django's connections.

    Returns:
        True.

    Raises:
        SecurityException: One leads elsewhere; the message says which.
    """
    from django.db import connections as known

    from pytest_concurrent.django.connections import where_it_leads

    active = _active()
    if active is None:
        raise SecurityException("this is not a worker, so there are no databases of its own")
    for one in connections:
        wrapper = known[one] if isinstance(one, str) else one
        attached = active.clones.of(wrapper.alias)
        if attached is None:
            raise SecurityException(
                f"the database of alias {wrapper.alias!r} is not a clone of this worker's",
                hint="Name only the databases that the tests use.",
            )
        reached = where_it_leads(wrapper, attached)
        if reached is not None:
            raise SecurityException(
                f"the connection of alias {wrapper.alias!r} leads to {reached}, not to this "
                f"worker's {attached.shown!r}"
            )
    return True


def wait_for_database_ready(name: str, timeout: float = 30) -> bool:
    """Wait until a server lets somebody into a database.

    Nothing is written, and no connection of the tests is used.

    Args:
        name: An alias of Django's settings, or the name of a database on the server of ``default``.
        timeout: Seconds.

    Returns:
        Whether it did so in time.

    Raises:
        ValueError: The timeout is negative.
    """
    from django.db import connections as known

    from pytest_concurrent.django.connections import wait_until_it_answers

    if timeout < 0:
        raise ValueError(f"timeout must not be negative: {timeout}")
    if name in known:
        return wait_until_it_answers(known[name], timeout)
    return wait_until_it_answers(known["default"], timeout, name)


def _active() -> Active | None:
    try:
        from pytest_concurrent.django.plugin import Active
    except ImportError:
        return None  # there is no Django
    return Active.current
