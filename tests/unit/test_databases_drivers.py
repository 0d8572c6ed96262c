"""Drivers of the project, as far as we use them ourselves."""

from __future__ import annotations

import os

import pytest

from pytest_concurrent.databases.drivers import Driver
from pytest_concurrent.databases.url import parse
from pytest_concurrent.exceptions import DatabaseTemplateException, UnsupportedDatabase


def test_statements_share_a_connection_until_it_is_closed() -> None:
    driver = Driver(parse("sqlite://"))
    driver.sql("CREATE TABLE planets (name)", None)
    assert driver.sql("SELECT count(*), NULL, 'x' FROM planets", None) == [["0", None, "x"]]
    driver.close()
    assert driver.sql("SELECT count(*) FROM sqlite_master", None) == [["0"]]


def test_inherited_connection_is_neither_used_nor_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Driver(parse("sqlite://"))
    driver.sql("CREATE TABLE planets (name)", None)
    inherited = driver._maintenance
    child = os.getpid() + 1
    monkeypatch.setattr(os, "getpid", lambda: child)
    assert driver.sql("SELECT count(*) FROM sqlite_master", None) == [["0"]]
    driver.close()
    assert inherited.execute("SELECT count(*) FROM planets").fetchone() == (0,)


@pytest.mark.parametrize("engine", ["postgresql", "mysql"])
def test_missing_driver_says_what_to_install(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    driver = Driver(parse(f"{engine}://u:Zyx9Secret@db/x", "concurrent_database"))
    assert not driver.is_there
    with pytest.raises(UnsupportedDatabase, match="concurrent_database: no driver") as raised:
        driver.sql("SELECT 1", None)
    assert "pip install" in raised.value.hint


@pytest.mark.parametrize("scheme", ["postgresql", "mysql+pymysql"])
def test_unreachable_server_is_named_without_the_password(scheme: str) -> None:
    driver = Driver(parse(f"{scheme}://u:Zyx9Secret@127.0.0.1:1/x?connect_timeout=5"))
    with pytest.raises(
        DatabaseTemplateException, match=r"no connection to .*127\.0\.0\.1:1/x"
    ) as e:
        driver.sql("SELECT 1", None)
    assert "Zyx9Secret" not in f"{e.value} {e.value.hint}"
