"""The databases of a project without Django, as a run asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from pytest_concurrent.databases.fixtures import ACCESS, Access
from pytest_concurrent.databases.keeper import Door
from pytest_concurrent.databases.production import environment_refusal
from pytest_concurrent.databases.specs import CheckedSpec
from pytest_concurrent.databases.url_recipe import UrlRecipe
from pytest_concurrent.exceptions import SecurityException
from pytest_concurrent.settings import Settings


class SpecProvider:
    """Knows the databases that ini file and hook name.

    Args:
        config: pytest's configuration.
        settings: Our options.
        checked: What was named.
        folder: Where SQLite's files are kept.
    """

    serves_without_workers = True

    def __init__(
        self,
        config: pytest.Config,
        settings: Settings,
        checked: Sequence[CheckedSpec],
        folder: Path,
    ) -> None:
        self._config = config
        self._settings = settings
        self._all = {one.spec.name: UrlRecipe(one, config.rootpath, folder) for one in checked}
        self._needed: dict[str, UrlRecipe] = {}
        self._fresh = {one.spec.fresh_name: one.spec.name for one in checked}

    def usual_order(self, items: Sequence[pytest.Item]) -> Sequence[pytest.Item]:
        """As they were collected."""
        return items

    def turn(self, item: pytest.Item) -> int:
        """Any test may come at any time."""
        return 0

    def recipes(self, session: pytest.Session) -> Sequence[UrlRecipe]:
        """The databases whose fixtures the collected tests name.

        Raises:
            SecurityException: This is no place for tests.
        """
        named = {name for item in session.items for name in getattr(item, "fixturenames", ())}
        named |= {self._fresh[name] for name in named & set(self._fresh)}
        self._needed = {name: one for name, one in self._all.items() if name in named}
        if self._needed and (why := environment_refusal()):
            raise SecurityException(why, hint="Nothing was opened.")
        return list(self._needed.values())

    def all_recipes(self) -> Sequence[UrlRecipe]:
        """Every database that was named, whether tests need it or not."""
        return list(self._all.values())

    def fallbacks(self) -> Sequence[str]:
        """Nothing: what is not ours to clone was refused when it was read."""
        return ()

    def remarks(self) -> Sequence[str]:
        """Nothing."""
        return ()

    def worker_plugin(self, door: Door) -> object:
        """Let the fixtures reach the keeper; what they need is found through the configuration."""
        for recipe in self._needed.values():
            # Workers are forked next, and must not share it.
            recipe.disconnect()
        access = Access(door, self._needed, self._settings.worker_timeout)
        self._config.stash[ACCESS] = access
        return access

    def let_go(self) -> None:
        """End the conversation of fixtures that ran in this process."""
        if (access := self._config.stash.get(ACCESS, None)) is not None:
            access.close()
