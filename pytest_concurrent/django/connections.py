"""Connections of a worker: checked when they were idle, opened anew when old, counted."""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any
from weakref import WeakSet

from django.db import InterfaceError, OperationalError, connections
from django.db.backends.base.base import NO_DB_ALIAS

from pytest_concurrent.django.attach import Attached, Clones
from pytest_concurrent.django.tripwire import Tripwire, where

#: Seconds for a server that is being restarted: after a crash that takes 1 to 10 s.
_RESTART = 30.0

#: Seconds between two tries, at first and at most.
_PAUSES = (0.05, 1.0)

#: Where a wrapper of Django's keeps what we know of it.
_USE = "_concurrent_use"


@dataclass
class _Use:
    """What one connection was used for.

    Attributes:
        generation: Of the clone that it leads to.
        operations: How often it was asked for a cursor or a transaction.
        last: When, by `time.monotonic`.
    """

    generation: int
    last: float
    operations: int = 0


class Connections:
    """Watches the connections of one worker to its clones.

    Args:
        clones: The worker's clones.
        tripwire: Asks new connections where they lead.
        interval: Seconds after which a connection that nobody used is checked.
        operations: After so many a connection is opened anew.
    """

    def __init__(
        self, clones: Clones, tripwire: Tripwire, interval: float, operations: int
    ) -> None:
        self._clones = clones
        self._tripwire = tripwire
        self._interval = interval
        self._operations = operations
        self._wrappers: WeakSet[Any] = WeakSet()
        self._lock = threading.Lock()
        self._hits = 0
        self._misses = 0
        self._lost = False
        #: Whether the server was waited for in vain and nobody reached it since.
        self._gave_up = False

    def install(self, aliases: Iterable[str]) -> None:
        """Watch every connection of these aliases' classes, in all threads, pools included."""
        for kind in {type(connections[alias]) for alias in aliases}:
            self._watch_opening(kind)
            self._watch_use(kind)

    def _watch_opening(self, kind: Any) -> None:
        stock = kind.get_new_connection

        def get_new_connection(wrapper: Any, *arguments: Any, **keywords: Any) -> Any:
            raw = stock(wrapper, *arguments, **keywords)
            attached = self._clones.of(wrapper.alias)
            if attached is not None:
                self._tripwire.check(wrapper, raw, attached)
                vars(wrapper)[_USE] = _Use(attached.generation, time.monotonic())
                self._gave_up = False
                with self._lock:
                    self._misses += 1
                    self._wrappers.add(wrapper)
            return raw

        kind.get_new_connection = get_new_connection

    def _watch_use(self, kind: Any) -> None:
        # Django calls it before each cursor and each transaction, below its own query counters.
        stock = kind.close_if_health_check_failed

        def close_if_health_check_failed(wrapper: Any) -> None:
            use = vars(wrapper).get(_USE)
            if use is not None and wrapper.connection is not None:
                self._look(wrapper, use)
            stock(wrapper)

        kind.close_if_health_check_failed = close_if_health_check_failed

    def _look(self, wrapper: Any, use: _Use) -> None:
        """Close a connection that does not work any more; never inside of a transaction."""
        self._hits += 1
        use.operations += 1
        now = time.monotonic()
        idle, use.last = now - use.last, now
        # The first is Django's, while it connects: the driver is in no known state yet.
        if (
            wrapper.vendor == "sqlite"
            or use.operations == 1
            or not is_between_transactions(wrapper)
        ):
            return
        attached = self._clones.of(wrapper.alias)
        if attached is not None and attached.generation != use.generation:
            # Another thread's connection to a clone that was given back.
            wrapper.close()
        elif wrapper.errors_occurred or idle >= self._interval:
            if answers(wrapper.connection):
                wrapper.errors_occurred = False
            else:
                close_broken(wrapper)

    def heard_of(self, error: BaseException) -> None:
        """Take note that a test failed with an error; a broken connection is looked for then."""
        for _ in range(20):
            if isinstance(error, OperationalError | InterfaceError):
                self._lost = True
            following = error.__cause__ or error.__context__
            if following is None:
                return
            error = following

    def before_test(self) -> None:
        """Look for what a server said while no test ran: that it ended the connection."""
        for wrapper in self._own():
            if (
                wrapper.connection is not None
                and is_between_transactions(wrapper)
                and has_news(wrapper.connection)
                and not answers(wrapper.connection)
            ):
                self._recover(wrapper)

    def after_test(self) -> None:
        """Open old connections anew, and lost ones as soon as their server is there again."""
        lost = False
        for wrapper in self._own():
            if wrapper.connection is not None and not is_between_transactions(wrapper):
                lost = lost or self._lost
            elif self._lost:
                self._recover(wrapper)
            elif wrapper.connection is not None:
                use = vars(wrapper).get(_USE)
                if use is not None and use.operations >= self._operations:
                    wrapper.close()
        self._lost = lost

    def _own(self) -> list[Any]:
        """The connections of the thread that runs tests, whose databases are on servers."""
        return [
            connections[alias]
            for attached in self._clones
            if attached.recipe.vendor != "sqlite"
            for alias in attached.aliases
        ]

    def _recover(self, wrapper: Any) -> None:
        if wrapper.connection is not None and answers(wrapper.connection):
            return
        close_broken(wrapper)
        # A pool hands out its dead connections one after another.
        if hasattr(wrapper, "close_pool"):
            wrapper.close_pool()
        if not self._gave_up:
            self._gave_up = not wait_until_it_answers(wrapper, _RESTART)

    def statistics(self) -> dict[str, int]:
        """How many connections are open and wait in pools, and how often one was there already."""
        with self._lock:
            wrappers = list(self._wrappers)
        pools = {
            id(pool): pool
            for wrapper in wrappers
            if (pool := getattr(wrapper, "_connection_pools", {}).get(wrapper.alias)) is not None
        }
        return {
            "active": sum(wrapper.connection is not None for wrapper in wrappers),
            "pooled": sum(one.get_stats().get("pool_available", 0) for one in pools.values()),
            "hits": self._hits,
            "misses": self._misses,
        }


def is_between_transactions(wrapper: Any) -> bool:
    """Whether no transaction is open, as far as Django knows."""
    return not wrapper.in_atomic_block and bool(wrapper.autocommit)


def has_news(raw: Any) -> bool:
    """Whether the server said something that nobody asked for: mostly that it ends."""
    descriptor = getattr(raw, "fileno", None)
    try:
        number = descriptor() if callable(descriptor) else raw._sock.fileno()
        poll = select.poll()
        poll.register(number, select.POLLIN | select.POLLHUP | select.POLLERR)
        return bool(poll.poll(0))
    except Exception:
        # A driver that keeps its socket to itself, or one that has none any more.
        return bool(getattr(raw, "closed", False))


def answers(raw: Any) -> bool:
    """Whether a driver's connection still works. Unlike some drivers' ping it never reconnects."""
    try:
        with closing(raw.cursor()) as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchall()
    except Exception:
        return False
    return True


def close_broken(wrapper: Any) -> None:
    """Close a connection that does not answer."""
    with suppress(Exception):
        wrapper.close()
    wrapper.connection = None


def wait_until_it_answers(wrapper: Any, timeout: float, name: str | None = None) -> bool:
    """Whether a server lets somebody in within some seconds, beside the wrapper's own connection.

    Args:
        wrapper: Django's connection, whose settings count.
        timeout: Seconds.
        name: The database to be let into; None = the wrapper's.
    """
    # No alias of the project's: no pool, and nobody who forbids tests to connect.
    aside = wrapper.copy(alias=NO_DB_ALIAS)
    if name is not None:
        aside.settings_dict["NAME"] = name
    until = time.monotonic() + timeout
    pause, longest = _PAUSES
    while True:
        try:
            aside.get_new_connection(aside.get_connection_params()).close()
        except aside.Database.Error:
            left = until - time.monotonic()
        else:
            return True
        if left <= 0:
            return False
        time.sleep(min(pause, left))
        pause = min(2 * pause, longest)


def where_it_leads(wrapper: Any, attached: Attached) -> str | None:
    """Where one of Django's connections leads, in words; None = where it should.

    Args:
        wrapper: The connection, which is opened if need be.
        attached: Where it should lead.
    """
    wrapper.ensure_connection()
    return where(wrapper.connection, attached)
