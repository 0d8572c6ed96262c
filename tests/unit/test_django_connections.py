"""When connections of a worker are checked, closed and counted."""

from __future__ import annotations

import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError
from django_scene import Project

from pytest_concurrent import db
from pytest_concurrent.django import connections as watched
from pytest_concurrent.django.connections import Connections
from pytest_concurrent.exceptions import SecurityException


class Raw:
    """A driver's connection."""

    def __init__(self, *, alive: bool = True) -> None:
        self.alive = alive
        self.asked = 0

    def cursor(self) -> Raw:
        return self

    def execute(self, statement: str) -> None:
        self.asked += 1
        if not self.alive:
            raise OSError("the server closed the connection")

    def fetchall(self) -> list[object]:
        return []

    def close(self) -> None:
        pass


class Wrapper:
    """Django's connection."""

    alias = "default"
    vendor = "postgresql"

    def __init__(self) -> None:
        self.connection: Raw | None = None
        self.autocommit = True
        self.in_atomic_block = False
        self.errors_occurred = False
        self.made: list[Raw] = []

    def get_new_connection(self) -> Raw:
        self.made.append(Raw())
        return self.made[-1]

    def close_if_health_check_failed(self) -> None:
        pass

    def close(self) -> None:
        self.connection = None

    def query(self) -> None:
        """As Django does for each cursor."""
        self.close_if_health_check_failed()
        if self.connection is None:
            self.connection = self.get_new_connection()
            self.close_if_health_check_failed()


class Clones:
    def __init__(self) -> None:
        self.attached = SimpleNamespace(generation=1, aliases=("default",))
        self.attached.recipe = SimpleNamespace(vendor="postgresql")

    def of(self, alias: str) -> Any:
        return self.attached

    def __iter__(self) -> Any:
        return iter([self.attached])


class Tripwire:
    def check(self, *_: object) -> None:
        pass


class Scene:
    """One connection that is watched."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **options: float) -> None:
        class Own(Wrapper):
            pass

        self.wrapper = Own()
        self.clones = Clones()
        self.now = 1000.0
        monkeypatch.setattr("time.monotonic", lambda: self.now)
        monkeypatch.setattr(watched, "connections", {"default": self.wrapper})
        interval, operations = options.get("interval", 60.0), int(options.get("operations", 1000))
        clones: Any = self.clones
        tripwire: Any = Tripwire()
        self.connections = Connections(clones, tripwire, interval, operations)
        self.connections.install(["default"])


@pytest.fixture
def scene(monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(monkeypatch)


def test_connection_in_use_is_not_checked(scene: Scene) -> None:
    for _ in range(5):
        scene.wrapper.query()
        scene.now += 59
    assert [raw.asked for raw in scene.wrapper.made] == [0]


def test_idle_connection_is_checked_and_replaced(scene: Scene) -> None:
    scene.wrapper.query()
    scene.now += 61
    scene.wrapper.query()
    assert [raw.asked for raw in scene.wrapper.made] == [1]
    scene.wrapper.made[0].alive = False
    scene.now += 61
    scene.wrapper.query()
    assert len(scene.wrapper.made) == 2


def test_connection_is_checked_after_an_error(scene: Scene) -> None:
    scene.wrapper.query()
    scene.wrapper.errors_occurred = True
    scene.wrapper.query()
    assert scene.wrapper.made[0].asked == 1
    assert not scene.wrapper.errors_occurred


@pytest.mark.parametrize("state", [{"in_atomic_block": True}, {"autocommit": False}])
def test_nothing_happens_within_a_transaction(scene: Scene, state: dict[str, bool]) -> None:
    scene.wrapper.query()
    scene.wrapper.made[0].alive = False
    vars(scene.wrapper).update(state, errors_occurred=True)
    scene.clones.attached.generation += 1
    scene.now += 1000
    scene.wrapper.query()
    assert [raw.asked for raw in scene.wrapper.made] == [0]


def test_connection_to_a_clone_given_back_is_replaced(scene: Scene) -> None:
    scene.wrapper.query()
    scene.clones.attached.generation += 1
    scene.wrapper.query()
    assert len(scene.wrapper.made) == 2


def test_old_connection_is_replaced_between_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch, operations=10)
    for _ in range(12):
        scene.wrapper.query()
    assert len(scene.wrapper.made) == 1
    scene.wrapper.in_atomic_block = True
    scene.connections.after_test()
    assert scene.wrapper.connection is not None
    scene.wrapper.in_atomic_block = False
    scene.connections.after_test()
    assert scene.wrapper.connection is None


def test_lost_connection_is_replaced_after_the_test(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    def wait(wrapper: Wrapper, timeout: float) -> bool:
        waited.append(timeout)
        return True

    monkeypatch.setattr(watched, "wait_until_it_answers", wait)
    scene.wrapper.query()
    scene.wrapper.made[0].alive = False
    scene.connections.after_test()
    assert waited == []
    error = AssertionError("a test's own words")
    error.__cause__ = OperationalError("server closed the connection unexpectedly")
    scene.connections.heard_of(error)
    scene.connections.after_test()
    assert len(waited) == 1
    assert scene.wrapper.connection is None


def test_server_that_stays_away_is_waited_for_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    def wait(wrapper: Wrapper, timeout: float) -> bool:
        waited.append(timeout)
        return False

    monkeypatch.setattr(watched, "wait_until_it_answers", wait)
    for _ in range(3):
        scene.connections.heard_of(InterfaceError("connection already closed"))
        scene.connections.after_test()
    assert len(waited) == 1


def test_end_of_a_connection_is_seen_without_asking() -> None:
    near, far = socket.socketpair()
    with near:
        assert not watched.has_news(near)
        far.close()
        assert watched.has_news(near)


def test_statistics_tell_hits_from_misses(scene: Scene) -> None:
    scene.wrapper.query()
    before = scene.connections.statistics()
    scene.wrapper.query()
    after = scene.connections.statistics()
    assert before["misses"] == after["misses"] == 1
    assert after["hits"] - before["hits"] == 1
    assert after["active"] == 1
    scene.wrapper.close()
    assert scene.connections.statistics()["active"] == 0


def test_outside_of_workers_nothing_is_ours() -> None:
    assert db.get_connection_pool_stats() == {"active": 0, "pooled": 0, "hits": 0, "misses": 0}
    with pytest.raises(SecurityException):
        db.terminate_connections("test_shop", "postgresql")
    with pytest.raises(SecurityException):
        db.verify_database_isolation([])


PUBLIC = """
import pytest
from django.db import connection, connections
from pytest_concurrent import db
from pytest_concurrent.exceptions import SecurityException

def test_public_functions(transactional_db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    statistics = db.get_connection_pool_stats()
    assert statistics["misses"] >= 1 and statistics["active"] == 1 and statistics["hits"] > 0
    assert db.verify_database_isolation(connections)
    assert db.verify_database_isolation([connection])
    assert db.wait_for_database_ready("default", timeout=5)
    with pytest.raises(SecurityException, match="left alone"):
        db.terminate_connections("production", "sqlite")
    with pytest.raises(ValueError):
        db.wait_for_database_ready("default", timeout=-1)

def test_isolation_is_denied(transactional_db, monkeypatch):
    monkeypatch.setattr(
        "pytest_concurrent.django.connections.where", lambda raw, attached: "'elsewhere'"
    )
    with pytest.raises(SecurityException, match="elsewhere"):
        db.verify_database_isolation(["default"])
"""


def test_public_functions_work_in_a_worker(tmp_path: Path) -> None:
    project = Project(tmp_path, PUBLIC)
    project.put_into_file()
    result = project.run()
    assert result.status == 0, result.text
