"""pytest-postgresql on a server that runs already: every worker has databases of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing

import pytest
from databases.servers import MissingServerError, PostgresServer

from . import junit
from .modes import Compare

CONFTEST = """
from pytest_postgresql import factories

def fill(**connection):
    import psycopg
    with psycopg.connect(**connection) as open_connection:
        open_connection.execute("CREATE TABLE books (title text)")

server = factories.postgresql_noproc(load=[fill])
database = factories.postgresql("server")
"""
SUITE = """
import pytest

def titles(database):
    return [title for (title,) in database.execute("SELECT title FROM books")]

@pytest.mark.parametrize("number", range(5))
def test_rows_are_of_one_test(database, number):
    database.execute("INSERT INTO books VALUES (%s)", [f"book {number}"])
    database.commit()
    assert titles(database) == [f"book {number}"]

def test_nothing_is_left(database): assert titles(database) == []

def test_fails(database): assert titles(database) == ["missing"]
"""


@pytest.fixture
def postgres() -> Iterator[PostgresServer]:
    try:
        server = PostgresServer()
    except MissingServerError as missing:
        if os.environ.get("CI"):
            pytest.fail(f"{missing} (no test passes by skipping in CI)", pytrace=False)
        pytest.skip(str(missing))
    with closing(server):
        yield server


def test_databases_are_made_and_dropped_alike(
    pytester: pytest.Pytester, compare: Compare, postgres: PostgresServer
) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_one=SUITE, test_two=SUITE)
    who = postgres.superuser
    args = (
        f"--postgresql-host={postgres.folder}",
        f"--postgresql-port={postgres.port}",
        f"--postgresql-user={who.name}",
        f"--postgresql-password={who.password}",
    )
    told = compare(*args, junit.OPTION, plugins=["pytest_postgresql"], read=junit.outlines)
    assert told["forked"].totals == {"passed": 12, "failed": 2}
    assert postgres.list_databases() == []
