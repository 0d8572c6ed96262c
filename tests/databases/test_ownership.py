"""What is dropped is proven ours, and all of ours is dropped: whatever ended the run before."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .conftest import Servers
from .engines import on_server
from .projects import Running
from .scene import (
    CONCURRENT,
    VERDICTS,
    Marked,
    Small,
    clones_and_builds,
    databases_of,
    foreign,
    forget,
    kill,
    kill_all,
    members,
    templates,
    wait_until,
    write_comment,
)
from .servers import MariaDbServer, PostgresServer, Server

KINDS = [PostgresServer, MariaDbServer]


@pytest.fixture(params=KINDS, ids=["postgresql", "mariadb"])
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


@contextmanager
def nothing_is_created(server: Server) -> Iterator[None]:
    """Whoever creates a database has to wait."""
    connection = server.connect()
    try:
        with connection.cursor() as cursor:
            if server.vendor == "postgresql":
                connection.autocommit = False
                cursor.execute("LOCK TABLE pg_catalog.pg_database IN SHARE MODE")
            else:
                cursor.execute("FLUSH TABLES WITH READ LOCK")
            yield
    finally:
        connection.close()


def creators(server: Server) -> int:
    """How many sessions are creating a database now."""
    if server.vendor == "postgresql":
        statement = (
            "SELECT count(*) FROM pg_stat_activity WHERE query ILIKE 'CREATE DATABASE%' "
            "AND state = 'active'"
        )
    else:
        statement = (
            "SELECT count(*) FROM information_schema.PROCESSLIST WHERE COMMAND = 'Query' "
            "AND INFO LIKE 'CREATE DATABASE%'"
        )
    ((number,),) = server.execute(statement)
    return int(number)


def end_while_building(small: Small, server: Server, end: Callable[[Running], None]) -> Running:
    small.hold("build")
    running = small.start(*CONCURRENT)
    small.await_held("build", running)
    assert [one.mark.get("kind") for one in databases_of(server) if one.mark.get("run")]
    end(running)
    return running


def end_while_cloning(small: Small, server: Server, end: Callable[[Running], None]) -> Running:
    assert small.run(*CONCURRENT).code == 0
    with nothing_is_created(server):
        running = small.start(*CONCURRENT)
        wait_until(lambda: creators(server) > 0, lambda: running.output)
        end(running)
    return running


def end_while_running(small: Small, server: Server, end: Callable[[Running], None]) -> Running:
    small.hold("run")
    running = small.start(*CONCURRENT)
    small.await_held("run", running)
    assert clones_and_builds(server)
    end(running)
    return running


@pytest.mark.parametrize("end", [kill, kill_all])
@pytest.mark.parametrize("scene", [end_while_building, end_while_cloning, end_while_running])
def test_next_run_clears_up_after_a_killed_one(
    small: Small,
    server: Server,
    scene: Callable[[Small, Server, Callable[[Running], None]], Running],
    end: Callable[[Running], None],
) -> None:
    with foreign(server) as theirs:
        killed = scene(small, server, end)
        wait_until(lambda: not members(killed.process.pid), lambda: str(clones_and_builds(server)))
        for stage in ("build", "run"):
            small.let_go(stage)
        result = small.run(*CONCURRENT)
        assert (result.code, result.counts) == (0, VERDICTS), result.output
        assert set(clones_and_builds(server)) < theirs
        assert len(templates(server)) == 1


def write_mark(server: Server, one: Marked, **changes: object) -> None:
    """Change a mark as another version or another clock would have written it."""
    write_comment(server, one.name, json.dumps({**one.mark, **changes}))


def test_template_of_an_older_version_is_not_used(small: Small, server: Server) -> None:
    assert small.run(*CONCURRENT).code == 0
    (old,) = templates(server)
    # The layout is a part of what the key is made from.
    write_mark(server, old, v=0, key="0" * 40)
    result = small.run(*CONCURRENT)
    assert (result.code, result.counts) == (0, VERDICTS), result.output
    assert "template found" not in result.output
    # One of the newest stays, whatever version made it.
    assert old.name in [one.name for one in templates(server)]
    assert len(templates(server)) == 2
    assert clones_and_builds(server) == []


def test_old_templates_go_but_never_those_of_a_newer_version(small: Small, server: Server) -> None:
    for option in ((), ("--create-db",), ("--create-db",)):
        assert small.run(*CONCURRENT, *option).code == 0
    older, newer, foreign_project = templates(server)
    write_mark(server, older, v=0, key="0" * 40, used=1, created=1)
    write_mark(server, newer, v=99, key="1" * 40, used=1, created=1)
    write_mark(server, foreign_project, project="another", key="2" * 40, used=1, created=1)
    keep = ("-o", "concurrent_db_keep_templates=1", "-o", "concurrent_db_keep_days=1")
    result = small.run(*CONCURRENT, *keep)
    assert (result.code, result.counts) == (0, VERDICTS), result.output
    left = [one.name for one in templates(server)]
    assert older.name not in left
    assert {newer.name, foreign_project.name} < set(left)
    assert len(left) == 3  # and the one that was just built


def test_clock_that_was_set_back_loses_nothing(small: Small, server: Server) -> None:
    small.hold("run")
    killed = small.start(*CONCURRENT)
    small.await_held("run", killed)
    kill_all(killed)
    small.let_go("run")
    tomorrow = int(time.time()) + 10 * 365 * 86400
    for one in databases_of(server):
        if one.mark:
            write_mark(server, one, used=tomorrow, created=tomorrow)
    keep = ("-o", "concurrent_db_keep_templates=1", "-o", "concurrent_db_keep_days=1")
    result = small.run(*CONCURRENT, *keep)
    assert (result.code, result.counts) == (0, VERDICTS), result.output
    assert "template found" in result.output
    assert clones_and_builds(server) == []
    (template,) = templates(server)
    # Used now, by today's clock.
    assert template.mark["used"] < tomorrow


@pytest.mark.parametrize("name", ["sh\"op's `best` 100% \\ — übung", "ü" * 31 + "x", "-- drop;"])
def test_names_may_be_anything(server: Server, tmp_path: Path, name: str) -> None:
    small = Small(tmp_path / name, on_server(server, database=name))
    with foreign(server) as theirs:
        for _ in range(2):
            result = small.run(*CONCURRENT)
            assert (result.code, result.counts) == (0, VERDICTS), result.output
        assert "template found" in result.output
        assert set(clones_and_builds(server)) < theirs
