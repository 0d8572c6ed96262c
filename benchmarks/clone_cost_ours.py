"""Our own way to clone, for `clone_cost.py`: the keeper that a run has, asked as a run asks it."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

PROJECT = "clone_cost"
WAIT = 300.0  # seconds; 400 tables on MariaDB take some 10 s
POLL = 0.001  # seconds between looks at what is ready


class KeptClones:
    """Clones that a keeper makes of a template of ours.

    Args:
        target: Where the server is, in the words of the keeper.
        fill: Makes the tables in an empty database of this name.
    """

    name = "ours"

    def __init__(self, target: Mapping[str, object], fill: Callable[[str], None]) -> None:
        self._target = dict(target)
        self._folder = tempfile.TemporaryDirectory(prefix="clone-cost-")
        self._template = self._make_template(fill)

    def measure(self, at_once: int, repeats: int) -> tuple[float, float]:
        """Time clones that are made side by side, and the end of a run that drops them."""
        clones: list[float] = []
        drops: list[float] = []
        for _ in range(repeats):
            with self._keeper() as keeper:
                server = keeper.request("open", target=self._target)["server"]
                start = time.perf_counter()
                self._make(keeper, server, at_once)
                clones.append((time.perf_counter() - start) / at_once)
                self._await_spare(keeper)
                start = time.perf_counter()
                dropped = self._finish(keeper)
                drops.append((time.perf_counter() - start) / dropped)
        return median(clones), median(drops)

    def _make(self, keeper: Any, server: int, at_once: int) -> None:
        """Have them made ahead, as for a run; a single one as by a test that asks for it."""
        wanted = {"alias": "default", "fingerprint": "cost"}
        ahead = at_once - 1  # the keeper itself adds a spare
        keeper.request("announce", clones=ahead, **wanted)
        keeper.request("settle", clones=ahead, server=server, template=self._template, **wanted)
        if at_once == 1:
            keeper.request("clone", wait=WAIT, **wanted)
        else:
            _await_ready(keeper, at_once)

    def _await_spare(self, keeper: Any) -> None:
        """What takes the place of a clone that was handed out is no part of a drop."""
        if keeper.request("status")["clones"]["in_use"]:
            _await_ready(keeper, 1)

    def _finish(self, keeper: Any) -> int:
        kept = {"project": PROJECT, "keep_templates": 5, "keep_days": 14}
        report = keeper.request("finish", wait=WAIT, **kept)
        if report["failed"]:
            raise RuntimeError("; ".join(report["failed"]))
        return int(report["dropped"])

    def _make_template(self, fill: Callable[[str], None]) -> str:
        with self._keeper() as keeper:
            server = keeper.request("open", target=self._target)["server"]
            name = keeper.request("begin", server=server, label=PROJECT)["name"]
            keeper.request("create", server=server, name=name)
            keeper.request("mark", server=server, name=name, project=PROJECT)
            fill(name)
            key = uuid.uuid4().hex
            named = {"server": server, "name": name, "project": PROJECT, "key": key}
            return str(keeper.request("publish", **named)["template"])

    @contextmanager
    def _keeper(self) -> Iterator[Any]:
        from pytest_concurrent.databases.keeper import start_keeper

        door = start_keeper(Path(self._folder.name), uuid.uuid4().hex)
        keeper = door.enter("controller")
        try:
            yield keeper
        finally:
            keeper.close()
            door.close()
            os.waitpid(door.pid, 0)


def _await_ready(keeper: Any, clones: int) -> None:
    until = time.monotonic() + WAIT
    while keeper.request("status")["clones"]["ready"] < clones:
        if time.monotonic() > until:
            raise TimeoutError(f"{clones} clones were not ready within {WAIT:g} s")
        time.sleep(POLL)


def memory_clones(image: bytes) -> tuple[Callable[[str], None], Callable[[str], None]]:
    """SQLite: how a worker fills a database in memory from the template's file.

    Args:
        image: The template's pages.

    Returns:
        What makes a clone and what drops it; both take its name.
    """
    from pytest_concurrent.django.attach import fill

    folder = tempfile.TemporaryDirectory(prefix="clone-cost-")
    file = Path(folder.name, "template.sqlite3")
    file.write_bytes(image)
    made: dict[str, sqlite3.Connection] = {}

    def make(name: str) -> None:
        assert folder  # the file lives as long as this function
        made[name] = sqlite3.connect(":memory:", check_same_thread=False)
        fill(made[name], str(file))

    def drop(name: str) -> None:
        made.pop(name).close()

    return make, drop
