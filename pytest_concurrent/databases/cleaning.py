"""Dropping by hand what is left of ours on the servers of a project."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from pytest_concurrent.databases.keeper import Keeper
from pytest_concurrent.databases.preparation import Means, Preparation
from pytest_concurrent.databases.recipe import Recipe
from pytest_concurrent.exceptions import DatabaseTemplateException

#: Seconds for dropping on one server.
_PATIENCE = 120.0


class Consent:
    """A plugin that says yes in advance, for use without a terminal."""


def has_consent(config: pytest.Config) -> bool:
    """Whether somebody has said yes in advance."""
    return any(isinstance(plugin, Consent) for plugin in config.pluginmanager.get_plugins())


class Cleaning:
    """What of ours is on the servers of some databases.

    Args:
        recipes: The databases.
        keeper: A conversation with the keeper.
        means: What the run offers.

    Attributes:
        found: One entry for each database that one of ours could be: name, kind, project, size in
            bytes (0 = unknown), age in seconds, why it may go or stays, and whether it may.
        problems: Servers that could not be looked at, and why.
    """

    def __init__(self, recipes: Sequence[Recipe], keeper: Keeper, means: Means) -> None:
        self._keeper = keeper
        self.found: list[dict[str, Any]] = []
        self.problems: list[str] = []
        seen: set[int] = set()
        for recipe in recipes:
            try:
                server = int(Preparation(recipe, keeper, means).open()["server"])
                if server not in seen:
                    seen.add(server)
                    self._look(server)
            except DatabaseTemplateException as error:
                self.problems.append(f"database {recipe.alias!r}: {error}. {error.hint}")

    def _look(self, server: int) -> None:
        for entry in self._keeper.listed("clean_plan", server=server):
            self.found.append({**entry, "server": server})

    def drop(self) -> tuple[int, list[str]]:
        """Drop what may go: how many databases went, and why others did not."""
        dropped, failed = 0, []
        for server in sorted({entry["server"] for entry in self.found}):
            names = [e["name"] for e in self.found if e["server"] == server and e["may_go"]]
            if names:
                answer = self._keeper.request("clean", wait=_PATIENCE, server=server, names=names)
                dropped += answer["dropped"]
                failed += answer["failed"]
        return dropped, failed
