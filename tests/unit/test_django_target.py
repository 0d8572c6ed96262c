"""Where the engine is told that a server is, from what the project's driver says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_concurrent.django import target
from pytest_concurrent.exceptions import UnsupportedDatabase

TOLD = {"host": "db", "port": "5433", "dbname": "postgres", "user": "me", "sslmode": "prefer"}


@pytest.fixture
def postgresql(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)

    def resolve(*, tls: bool = False, role: str | None = None, **told: str) -> dict[str, Any]:
        told = {**TOLD, **told}
        info = SimpleNamespace(
            host=told["host"],
            port=int(told["port"]),
            user=told["user"],
            password="secret",
            dbname=told["dbname"],
            ssl_in_use=tls,
            dsn_parameters=told,
        )
        connection = SimpleNamespace(settings_dict={"OPTIONS": {"assume_role": role}})
        driver = SimpleNamespace(info=info)

        @contextmanager
        def aside(_: object) -> Iterator[Any]:
            yield SimpleNamespace(db=SimpleNamespace(connection=driver))

        monkeypatch.setattr(target, "cursor_aside", aside)
        return target.postgresql(connection)

    return resolve


def test_what_libpq_resolved_is_the_target(postgresql: Any) -> None:
    assert postgresql(role="maker", connect_timeout="7") == {
        "vendor": "postgresql",
        "host": "db",
        "port": 5433,
        "user": "me",
        "password": "secret",
        "maintenance": "postgres",
        "role": "maker",
        "connect_timeout": 7,
        "tls": {"mode": "disable"},
    }


def test_folder_as_host_is_a_socket(postgresql: Any) -> None:
    found = postgresql(host="/run/pg")
    assert found["socket"] == "/run/pg"
    assert "host" not in found


@pytest.mark.parametrize(
    ("told", "mode"),
    [
        ({}, "require"),
        ({"sslmode": "allow"}, "require"),
        ({"sslmode": "require"}, "require"),
        ({"sslmode": "require", "sslrootcert": "/ca"}, "verify-ca"),
        ({"sslmode": "verify-full", "sslrootcert": "/ca"}, "verify-full"),
        ({"sslmode": "verify-full", "sslrootcert": "system"}, "verify-full"),
    ],
)
def test_tls_is_as_strict_as_it_is_for_libpq(
    postgresql: Any, told: dict[str, str], mode: str
) -> None:
    tls = postgresql(tls=True, **told)["tls"]
    assert tls["mode"] == mode
    assert tls["ca"] == (told.get("sslrootcert") if told.get("sslrootcert") != "system" else None)


def test_files_that_libpq_takes_by_itself_are_taken(postgresql: Any, tmp_path: Path) -> None:
    folder = tmp_path / ".postgresql"
    folder.mkdir()
    for name in ("root.crt", "postgresql.crt", "postgresql.key"):
        (folder / name).touch()
    tls = postgresql(tls=True, sslmode="require")["tls"]
    assert tls["mode"] == "verify-ca"
    assert (tls["cert"], tls["key"]) == (f"{folder}/postgresql.crt", f"{folder}/postgresql.key")


@pytest.mark.parametrize(
    "told",
    [
        {"channel_binding": "require"},
        {"gssencmode": "require"},
        {"target_session_attrs": "read-write"},
        {"sslcrl": "/crl"},
        {"requirepeer": "postgres"},
        {"options": "-c role=admin"},
        {"options": "endpoint=x"},
        {"an_option_of_tomorrow": "1"},
        {"host": "@abstract"},
    ],
)
def test_what_the_engine_does_not_know_is_refused(postgresql: Any, told: dict[str, str]) -> None:
    with pytest.raises(UnsupportedDatabase):
        postgresql(**told)


@pytest.mark.parametrize(
    "told",
    [
        {"options": "-c search_path=a\\ b -cstatement_timeout=5 --work_mem=1MB"},
        {"application_name": "tests", "keepalives": "1"},
        {"target_session_attrs": "any", "channel_binding": "prefer"},
    ],
)
def test_what_changes_nothing_is_accepted(postgresql: Any, told: dict[str, str]) -> None:
    assert postgresql(**told)["host"] == "db"


@pytest.fixture
def mysql(monkeypatch: pytest.MonkeyPatch) -> Any:
    def resolve(*, how: str = "db via TCP/IP", cipher: str = "", **told: Any) -> dict[str, Any]:
        answers = iter([("me", "/run/mysqld.sock", 3306), ("Ssl_cipher", cipher)])
        cursor = SimpleNamespace(
            execute=lambda statement: None,
            fetchone=lambda: next(answers),
            db=SimpleNamespace(connection=SimpleNamespace(get_host_info=lambda: how)),
        )

        @contextmanager
        def aside(_: object) -> Iterator[Any]:
            yield cursor

        monkeypatch.setattr(target, "cursor_aside", aside)
        monkeypatch.setattr(target, "_checks_names", lambda: False)
        return target.mysql(SimpleNamespace(get_connection_params=lambda: told))

    return resolve


def test_mysql_server_is_found_by_host_and_port(mysql: Any) -> None:
    assert mysql(host="db", port=3307, user="u", password="p", charset="utf8mb4") == {
        "vendor": "mysql",
        "user": "me",
        "password": "p",
        "host": "db",
        "port": 3307,
        "tls": {"mode": "disable"},
    }


def test_mysql_socket_is_the_one_that_was_used(mysql: Any) -> None:
    assert mysql(how="Localhost via UNIX socket")["socket"] == "/run/mysqld.sock"
    found = mysql(how="Localhost via UNIX socket", unix_socket="/tmp/my.sock")
    assert found["socket"] == "/tmp/my.sock"


@pytest.mark.parametrize(
    ("told", "mode"),
    [
        ({}, "require"),
        ({"ssl": {"ca": "/ca"}}, "verify-ca"),
        ({"ssl": {"ca": "/ca", "check_hostname": True}}, "verify-full"),
        ({"ssl_mode": "VERIFY_IDENTITY", "ssl": {"ca": "/ca"}}, "verify-full"),
    ],
)
def test_mysql_tls_is_as_strict_as_the_drivers(mysql: Any, told: dict[str, Any], mode: str) -> None:
    assert mysql(cipher="TLS_AES", host="db", **told)["tls"]["mode"] == mode


@pytest.mark.parametrize(
    "told",
    [{"read_default_file": "/etc/my.cnf"}, {"ssl": {"cipher": "x"}}, {"auth_plugin": "x"}],
)
def test_mysql_options_that_are_not_known_are_refused(mysql: Any, told: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedDatabase):
        mysql(cipher="TLS_AES", **told)
