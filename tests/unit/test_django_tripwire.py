"""A connection that leads elsewhere stops the run before anything is written."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from django_scene import Project

from pytest_concurrent.django import tripwire
from pytest_concurrent.django.attach import Attached

ELSEWHERE = """
import sqlite3
import pytest
from django.db import connection
from shop.models import Fruit

def test_before(db):
    assert Fruit.objects.count() == 1

@pytest.mark.django_db(transaction=True)
def test_elsewhere():
    connection.close()
    connection.settings_dict["NAME"] = "elsewhere.sqlite3"
    try:
        Fruit.objects.create(name="stray")
    except Exception:
        pass  # tests catch what they like

def test_after():
    raise ValueError("never to be run")
"""


def test_wrong_database_stops_the_run(tmp_path: Path) -> None:
    project = Project(tmp_path, ELSEWHERE)
    project.put_into_file()
    with sqlite3.connect(tmp_path / "elsewhere.sqlite3") as elsewhere:
        elsewhere.execute("CREATE TABLE shop_fruit (id INTEGER PRIMARY KEY, name TEXT)")
    elsewhere.close()
    result = project.run(PLAYED_ORDER="test_before,test_elsewhere,test_after")
    assert result.status == 2, result.text
    assert "wrong database: a connection of alias 'default' reached" in result.text
    assert "elsewhere.sqlite3" in result.text
    assert "never to be run" not in result.text
    with sqlite3.connect(tmp_path / "elsewhere.sqlite3") as elsewhere:
        assert elsewhere.execute("SELECT * FROM shop_fruit").fetchall() == []
    elsewhere.close()


COPY = """
from django.db import connection

def test_copy(db):
    other = connection.copy()
    other.settings_dict["NAME"] = "own.sqlite3"
    with other.cursor() as cursor:
        cursor.execute("SELECT 1")
    other.close()
"""


def test_copy_with_a_name_of_its_own_may_go_there(tmp_path: Path) -> None:
    project = Project(tmp_path, COPY)
    project.put_into_file()
    result = project.run()
    assert result.status == 0, result.text


class Server:
    """A driver's connection to a server that answers every question with the same row."""

    class Info:
        transaction_status = 0

    def __init__(self, *row: object) -> None:
        self._row = row
        self.info = self.Info()
        self.autocommit = False

    def cursor(self) -> Server:
        return self

    def execute(self, statement: str) -> None:
        # psycopg refuses to leave a transaction for autocommit, so the question must not begin one.
        assert self.autocommit or "pg_database" not in statement

    def fetchall(self) -> list[tuple[object, ...]]:
        return [self._row]

    def close(self) -> None:
        pass


class Known:
    alias = "default"
    siblings = ()

    def __init__(self, vendor: str) -> None:
        self.vendor = vendor


@pytest.mark.parametrize(
    ("vendor", "identity", "row", "reached"),
    [
        ("postgresql", "17", ("clone", 17), None),
        ("postgresql", "17", ("real", 5), "'real'"),
        ("postgresql", "17", ("clone", 18), "another database of the name 'clone'"),
        ("mysql", "clone", ("clone",), None),
        ("mysql", "clone", ("real",), "'real'"),
        ("mysql", "clone", (None,), "no database at all"),
        ("mysql", "a mark", ("clone", "a mark"), None),
        ("mysql", "a mark", ("clone", b"a mark"), None),
        ("mysql", "a mark", ("clone", "another"), "another database of the name 'clone'"),
    ],
)
def test_server_is_asked_where_a_connection_leads(
    vendor: str, identity: str, row: tuple[object, ...], reached: str | None
) -> None:
    recipe: Any = Known(vendor)
    attached = Attached(recipe, None, "clone", identity, "clone")
    raw = Server(*row)
    assert tripwire.where(raw, attached) == reached
    assert raw.autocommit is False
