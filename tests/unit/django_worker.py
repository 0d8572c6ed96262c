"""A pytest plugin: makes a session behave as a worker of a Django project, without an engine.

The keeper is played by this process. Options come as environment variables, because they must not
be known to pytest.
"""

from __future__ import annotations

import json
import os
import shutil
import traceback
from pathlib import Path
from typing import Any

import pytest

from pytest_concurrent.django.plugin import DjangoWorker
from pytest_concurrent.django.recipe import DjangoRecipe, Places, recipes
from pytest_concurrent.exceptions import DatabaseCloneException, UnsupportedDatabase
from pytest_concurrent.settings import Settings


class PlayedKeeper:
    """Does what the keeper does, with the recipe's own means, and writes down what it was asked."""

    def __init__(self, folder: Path, known: list[DjangoRecipe], log: Path) -> None:
        self._folder = folder
        self._recipes = {recipe.alias: recipe for recipe in known}
        self._log = log
        self._count = 0
        self._templates: dict[str, str] = {}
        self._sources: dict[str, tuple[str, str]] = {}
        self._failure = os.environ.get("PLAYED_FAILURE", "")

    def prepare(self) -> None:
        for alias, recipe in self._recipes.items():
            self._templates[alias] = self._new("t")
            self._build(recipe, self._templates[alias])

    def _build(self, recipe: DjangoRecipe, name: str) -> None:
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                recipe.build(name, str(self._folder / f"{name}.sqlite3"), lambda: None)
                status = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0

    def _new(self, kind: str) -> str:
        self._count += 1
        return f"test_played_{kind}_{os.getpid():08x}_{self._count:016x}"

    def request(self, op: str, *, wait: float = 0.0, **fields: Any) -> dict[str, Any]:
        with self._log.open("a") as log:
            log.write(json.dumps({"op": op, **fields}) + "\n")
        if op == "clone" and self._failure:
            kinds = {"unsupported": UnsupportedDatabase, "failed": DatabaseCloneException}
            raise kinds[self._failure]("it was told to fail", hint="Tell it otherwise.")
        if op == "clone":
            return self._clone(fields["alias"], self._templates[fields["alias"]])
        if op == "restore":
            return {"in_place": False, **self._clone(*self._sources[fields["name"]])}
        if op == "snapshot":
            return self._snapshot(fields["name"])
        return {"ended": 0}

    def _snapshot(self, name: str) -> dict[str, Any]:
        if os.environ.get("PLAYED_SNAPSHOT") == "no":
            raise DatabaseCloneException("no snapshots here")
        alias, _ = self._sources[name]
        kept = self._clone(alias, name)["name"]
        self._sources[name] = (alias, kept)
        return {}

    def _clone(self, alias: str, source: str) -> dict[str, Any]:
        name, recipe = self._new("c"), self._recipes[alias]
        self._sources[name] = (alias, source)
        answer = {"name": name, "identity": name, "template": source, "waited": 0.0}
        if recipe.vendor == "sqlite":
            path = self._folder / f"{name}.sqlite3"
            shutil.copy(self._folder / f"{source}.sqlite3", path)
            return {**answer, "path": str(path)}
        recipe.sql(f'CREATE DATABASE "{name}" TEMPLATE "{source}"')
        [[oid]] = recipe.sql(f"SELECT oid FROM pg_database WHERE datname = '{name}'")
        return {**answer, "identity": oid}

    def drop_all(self) -> None:
        for name, (alias, _) in self._sources.items():
            if self._recipes[alias].vendor != "sqlite":
                self._recipes[alias].sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        for alias, name in self._templates.items():
            if self._recipes[alias].vendor != "sqlite":
                self._recipes[alias].sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def close(self) -> None:
        pass


class PlayedDoor:
    def __init__(self, keeper: PlayedKeeper) -> None:
        self._keeper = keeper

    def enter(self, role: str, slot: int | None = None) -> PlayedKeeper:
        return self._keeper


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    from pytest_django.fixtures import _get_databases_for_setup

    config = session.config
    folder = config.rootpath / "databases"
    folder.mkdir(exist_ok=True)
    aliases, serialized = _get_databases_for_setup(session.items)
    places = Places("played", config.rootpath, folder, folder)
    known = recipes(config, aliases, serialized, places).recipes
    keeper = PlayedKeeper(folder, known, config.rootpath / "requests.jsonl")
    keeper.prepare()
    config.add_cleanup(keeper.drop_all)
    settings = Settings(
        db=os.environ.get("PLAYED_DB", "auto"),
        db_max_operations=int(os.environ.get("PLAYED_OPERATIONS", "1000")),
        db_health_interval=float(os.environ.get("PLAYED_INTERVAL", "60")),
    )
    door: Any = PlayedDoor(keeper)
    DjangoWorker(door, known, settings).pytest_concurrent_worker_start(config, "gw0")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run tests in the order in which this worker is given them; the session has its own."""
    wanted = os.environ.get("PLAYED_ORDER")
    if not wanted:
        return None
    by_name = {item.name: item for item in session.items}
    given: list[pytest.Item | None] = [by_name[name] for name in wanted.split(",")]
    for item, nextitem in zip(given, [*given[1:], None], strict=True):
        assert item is not None
        session.config.hook.pytest_runtest_protocol(item=item, nextitem=nextitem)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)
    return True
