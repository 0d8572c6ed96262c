"""How many connections a run needs, and how many its servers take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_concurrent.databases.preparation import Found

#: Connections of the keeper itself: the lease, a lock, and four that clone.
_KEEPERS_CONNECTIONS = 6


@dataclass(frozen=True)
class Demand:
    """What a run wants of one server.

    Attributes:
        vendor: What it is.
        limit: Connections that it takes; 0 = there is no such limit.
        reserved: Of these, how many are not for tests.
        used: How many are in use.
        databases: How many databases each worker has there.
    """

    vendor: str
    limit: int
    reserved: int
    used: int
    databases: int

    @property
    def workers(self) -> int:
        """How many workers there is room for, at least 1."""
        free = self.limit - self.reserved - self.used - _KEEPERS_CONNECTIONS
        return max(1, free // self.databases)

    def planned(self, workers: int) -> int:
        """Connections of a run on so many workers: one for each database of each, and our own."""
        return workers * self.databases + _KEEPERS_CONNECTIONS


def demands(found: Sequence[Found]) -> list[Demand]:
    """What a run wants of each server.

    Args:
        found: What is known of each database.
    """
    wanted = []
    for server, databases in Counter(one.server for one in found).items():
        facts = next(one.facts for one in found if one.server == server)
        capacity = facts.get("capacity", {})
        limit, reserved, used = (
            int(capacity.get(name, 0)) for name in ("limit", "reserved", "used")
        )
        wanted.append(Demand(str(facts.get("vendor", "")), limit, reserved, used, databases))
    return wanted


def fitting(workers: tuple[int, str], found: Sequence[Found]) -> tuple[int, str]:
    """How many workers the servers have connections for: one for each worker and database.

    Args:
        workers: How many there are to be, and what set the number.
        found: What is known of each database.
    """
    wanted, reason = workers
    for demand in demands(found):
        if demand.limit and demand.workers < wanted:
            wanted = demand.workers
            reason = (
                f"{demand.vendor} takes {demand.limit} connections here, {demand.used} are in use"
            )
    return wanted, reason
