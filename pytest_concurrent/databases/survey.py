"""What is known of databases before anything is made."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_concurrent.databases.making import Order
from pytest_concurrent.databases.preparation import FROM_FILE, Found
from pytest_concurrent.databases.recipe import Recipe


@dataclass
class Look:
    """What is known of one database before workers start.

    Attributes:
        alias: What tests call it.
        vendor: Its back end.
        fingerprint: Of its settings.
        found: What the look-up came to; None = the server could not be looked at.
        problem: Why not, in words.
        has_way: Whether the project's own driver gets there all the same.
    """

    alias: str
    vendor: str
    fingerprint: str
    found: Found | None = None
    problem: str = ""
    has_way: bool = False

    @property
    def is_to_be_built(self) -> bool:
        """Whether the builder has something to do for it."""
        return self.found is None or self.found.template is None

    @property
    def line(self) -> str:
        """What the header says of it."""
        name = f"database {self.alias!r} ({self.vendor})"
        if self.found is None:
            return f"{name}: {self.problem}"
        if self.found.template is None:
            if self.found.why == FROM_FILE:
                return f"{name}: the template is being loaded {FROM_FILE}"
            return f"{name}: the template is being built ({self.found.why})"
        return f"{name}: template found ({self.found.template})"

    def order(self, clones: int) -> Order:
        """What the builder is asked for."""
        return Order(self.alias, self.fingerprint, clones=clones)


@dataclass
class Survey:
    """What is known of the databases that the collected tests need, before anything is made.

    Attributes:
        recipes: Those that templates are made of.
        looks: What is known of each.
        fallbacks: Why others are left to the project, once per worker.
        remarks: What else is to be said.
        workers: How many slots the servers allow, and what set the number.
    """

    recipes: list[Recipe]
    looks: list[Look]
    fallbacks: list[str]
    remarks: list[str]
    workers: tuple[int, str]

    @property
    def found(self) -> list[Found]:
        """What the look-ups came to, where there was one."""
        return [look.found for look in self.looks if look.found is not None]
