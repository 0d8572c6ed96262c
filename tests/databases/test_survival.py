"""What happens to servers while tests run, and that every test has its verdict all the same."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from .conftest import FreshServer, Servers
from .engines import on_server
from .projects import Running
from .scene import (
    CONCURRENT,
    PATIENCE,
    VERDICTS,
    Small,
    clones_and_builds,
    databases_of,
    foreign,
    forget,
    templates,
    wait_until,
)
from .servers import MariaDbServer, Options, PostgresServer, Server

KINDS = [PostgresServer, MariaDbServer]
IDS = ["postgresql", "mariadb"]

every_kind = pytest.mark.parametrize("kind", KINDS, ids=IDS)

_TESTS = """
import pytest
from box.models import Item

pytestmark = pytest.mark.concurrent_group("all")

@pytest.mark.django_db
@pytest.mark.parametrize("number", range(4))
def test_rows(number):
    assert Item.objects.count() == 3

@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", range(3))
def test_commit(number):
    Item.objects.create(name="committed")

def test_without_database():
    pass
"""
# Before anything of ours, and after everything of ours for the test before.
_HOLD_BETWEEN = """
import pytest
from box.waiting import point

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item):
    if item.name in {"test_rows[2]", "test_commit[1]"}:
        point(item.name[5:-3])
    return (yield)
"""
#: The stages at which a run is held so, and what becomes of each test.
_STAGES = ("rows", "commit")
_EIGHT = {"passed": 8}


@pytest.fixture(params=KINDS, ids=IDS)
def server(request: pytest.FixtureRequest, servers: Servers) -> Iterator[Server]:
    """The session's server of each kind, and nothing of ours on it."""
    found: Server = servers.get(request.param)
    yield found
    forget(found)


@pytest.fixture
def small(server: Server, tmp_path: Path) -> Iterator[Small]:
    """The small project there."""
    project = Small(tmp_path / "project", on_server(server))
    yield project
    project.close()


def assert_only_templates(server: Server, number: int = 1) -> None:
    assert clones_and_builds(server) == []
    assert len(templates(server)) == number


def held_between(small: Small) -> Running:
    """Start a run that is held between tests at each stage."""
    small.write("box/tests/test_box.py", _TESTS)
    small.write("conftest.py", _HOLD_BETWEEN)
    for stage in _STAGES:
        small.hold(stage)
    return small.start(*CONCURRENT)


def end_sessions(server: Server, like: str) -> int:
    """End every session in databases whose names are like this; how many there were."""
    if server.vendor == "postgresql":
        statement = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE "
        return len(server.execute(f"{statement}'{like}'"))
    rows = server.execute(f"SELECT ID FROM information_schema.PROCESSLIST WHERE DB LIKE '{like}'")
    for (number,) in rows:
        server.execute(f"KILL CONNECTION {number}")
    return len(rows)


def test_killed_connection_costs_no_test(small: Small, server: Server) -> None:
    running = held_between(small)
    with foreign(server):
        for stage in _STAGES:
            small.await_held(stage, running)
            # Django closes its connections after a transactional test; the spare clones have none.
            assert end_sessions(server, "test_project_c_%") > 0 or stage == "commit"
            small.let_go(stage)
        result = running.wait()
        assert (result.code, result.counts) == (0, _EIGHT), result.output
    assert_only_templates(server)


@every_kind
def test_restarted_server_costs_no_test_between_tests(
    fresh_server: FreshServer, kind: type[Server], tmp_path: Path
) -> None:
    server = fresh_server(kind)
    small = Small(tmp_path / "project", on_server(server))
    running = held_between(small)
    with foreign(server) as theirs:
        for stage in _STAGES:
            small.await_held(stage, running)
            server.restart()
            small.let_go(stage)
        result = running.wait()
        assert (result.code, result.counts) == (0, _EIGHT), result.output
        again = small.run(*CONCURRENT)
        assert (again.code, again.counts) == (0, _EIGHT), again.output
        assert "template found" in again.output
        assert set(clones_and_builds(server)) < theirs


@every_kind
def test_server_that_went_away_costs_verdicts_not_the_run(
    fresh_server: FreshServer, kind: type[Server], tmp_path: Path
) -> None:
    server = fresh_server(kind, Options(durable=True))
    small = Small(tmp_path / "project", on_server(server))
    # As users shorten it who do not want to wait for a server.
    small.write(
        "conftest.py",
        "from pytest_concurrent.django import connections\nconnections._RESTART = 1.0\n",
    )
    small.hold("run")
    running = small.start(*CONCURRENT, "--concurrent-worker-timeout=5")
    small.await_held("run", running)
    wait_until(lambda: all(one.mark for one in databases_of(server)))
    server.kill()
    small.let_go("run")
    result = running.wait()
    assert result.code == 1, result.output
    assert sum(result.counts.values()) == 9, result.output
    assert result.outcomes["box/tests/test_box.py::test_without_database"] == "passed"
    server.start()
    again = small.run(*CONCURRENT)
    assert (again.code, again.counts) == (0, VERDICTS), again.output
    assert_only_templates(server)


def test_two_runs_at_once_build_once(small: Small, server: Server, tmp_path: Path) -> None:
    # Another checkout of the same project: its folder has the same name, its notes are its own.
    other = Small(tmp_path / "other" / "project", on_server(server))
    small.hold("build")
    first = small.start(*CONCURRENT)
    small.await_held("build", first)
    second = other.start(*CONCURRENT)
    wait_until(lambda: "is being built" in second.output, lambda: second.output)
    small.let_go("build")
    results = [first.wait(), second.wait()]
    other.close()
    assert [(one.code, one.counts) for one in results] == [(0, VERDICTS)] * 2, results[1].output
    assert_only_templates(server)


def test_foreign_session_does_not_keep_a_template_from_being_sealed(
    small: Small, server: Server
) -> None:
    small.hold("build")
    running = small.start(*CONCURRENT)
    small.await_held("build", running)
    (building,) = [name for name in server.list_databases() if "_t_" in name]
    with (
        closing(server.connect(building, server.creator)) as connection,
        connection.cursor() as cursor,
    ):
        # It has only looked; and yet it would keep PostgreSQL from copying.
        cursor.execute("BEGIN")
        cursor.execute("SELECT 1")
        small.let_go("build")
        result = running.wait()
    assert (result.code, result.counts) == (0, VERDICTS), result.output
    assert_only_templates(server)


def test_lock_of_a_foreign_session_costs_time_only(small: Small, server: Server) -> None:
    """A lock only saves that two runs build the same; who never gets it builds, too."""
    small.write(
        "conftest.py",
        "from pytest_concurrent.databases import preparation\npreparation.PATIENCE = 0.5\n",
    )
    small.hold("build")
    killed = small.start(*CONCURRENT)
    small.await_held("build", killed)
    locks = _locks(server)
    assert len(locks) > 1
    killed.end()
    small.let_go("build")
    with closing(server.connect()) as connection, connection.cursor() as cursor:
        for lock in locks:
            _take(cursor, server, lock)
        result = small.run(*CONCURRENT)
    assert (result.code, result.counts) == (0, VERDICTS), result.output
    assert small.run(*CONCURRENT).counts == VERDICTS
    assert_only_templates(server)


def _locks(server: Server) -> list[str]:
    """The locks that somebody holds: a lease, and the lock of what is being built."""
    if server.vendor == "postgresql":
        statement = "SELECT DISTINCT (classid::bigint << 32) | objid::bigint FROM pg_locks WHERE "
        return [str(key) for (key,) in server.execute(f"{statement} locktype = 'advisory'")]
    server.execute("INSTALL SONAME 'metadata_lock_info'")
    statement = "SELECT TABLE_SCHEMA FROM information_schema.METADATA_LOCK_INFO WHERE "
    found = [name for (name,) in server.execute(f"{statement} LOCK_TYPE = 'User lock'")]
    server.execute("UNINSTALL SONAME 'metadata_lock_info'")
    return found


def _take(cursor: object, server: Server, lock: str) -> None:
    until = time.monotonic() + PATIENCE
    statement = (
        f"SELECT pg_try_advisory_lock({lock})"
        if server.vendor == "postgresql"
        else f"SELECT GET_LOCK('{lock}', 0)"
    )
    while True:
        cursor.execute(statement)  # type: ignore[attr-defined]
        if cursor.fetchone()[0]:  # type: ignore[attr-defined]
            return
        assert time.monotonic() < until, lock
        time.sleep(0.05)
