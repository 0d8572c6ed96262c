"""URLs of database servers: what is read, what is written, and what is never shown."""

from __future__ import annotations

import string
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_concurrent.databases.url import parse
from pytest_concurrent.exceptions import ConfigurationException, UnsupportedDatabase

SECRET = "Zyx9Secret"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://", {}),
        ("postgres://db", {"host": "db"}),
        ("postgresql://db:5433/shop", {"host": "db", "port": 5433}),
        ("postgresql+psycopg://u:p@db/x", {"host": "db", "user": "u", "password": "p"}),
        ("postgresql://u:p%40%2F%3A@db/x", {"host": "db", "user": "u", "password": "p@/:"}),
        ("postgresql://u:p@ss@db/x", {"host": "db", "user": "u", "password": "p@ss"}),
        ("postgresql://%2Fvar%2Frun/x", {"socket": "/var/run"}),
        ("postgresql:///x?host=/var/run&port=5433", {"socket": "/var/run", "port": 5433}),
        ("postgresql://[::1]:5433/x", {"host": "::1", "port": 5433}),
        ("postgresql://db/x?user=u&password=p", {"host": "db", "user": "u", "password": "p"}),
        ("postgresql://db/x?connect_timeout=3", {"host": "db", "connect_timeout": 3}),
        (
            "postgresql://db/x?sslmode=verify-full&sslrootcert=/ca&sslcert=/c&sslkey=/k",
            {"host": "db", "tls": {"mode": "verify-full", "ca": "/ca", "cert": "/c", "key": "/k"}},
        ),
    ],
)  # fmt: skip
def test_url_of_postgresql_leads_to_its_server(text: str, expected: dict[str, Any]) -> None:
    assert parse(text).target() == {"vendor": "postgresql", **expected}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mysql://root@db", {"host": "db", "user": "root"}),
        ("mariadb+pymysql://:p@db:3307/x", {"host": "db", "port": 3307, "password": "p"}),
        ("mysql://u@/x?unix_socket=/run/my.sock", {"socket": "/run/my.sock", "user": "u"}),
        ("mysql://db/x?charset=utf8mb4", {"host": "db"}),
        ("mysql://db/x?ssl_ca=/ca", {"host": "db", "tls": {"ca": "/ca", "mode": "verify-ca"}}),
        ("mysql://db/x?ssl_mode=REQUIRED", {"host": "db", "tls": {"mode": "require"}}),
        ("mysql://db/x?ssl_disabled=true", {"host": "db", "tls": {"mode": "disable"}}),
        (
            "mysql://db/x?ssl_ca=/ca.pem&ssl_verify_identity=true",
            {"host": "db", "tls": {"ca": "/ca.pem", "mode": "verify-full"}},
        ),
    ],
)  # fmt: skip
def test_url_of_mysql_leads_to_its_server(text: str, expected: dict[str, Any]) -> None:
    assert parse(text).target() == {"vendor": "mysql", **expected}


@pytest.mark.parametrize(
    ("text", "file"),
    [
        ("sqlite://", ""),
        ("sqlite:///:memory:", ""),
        ("sqlite:///shop.db", "shop.db"),
        ("sqlite+pysqlite:////tmp/shop.db", "/tmp/shop.db"),
    ],
)
def test_url_of_sqlite_names_a_file(text: str, file: str) -> None:
    url = parse(text)
    assert (url.engine, url.database) == ("sqlite", file)
    assert url.with_database("/tmp/clone.db") == f"{url.scheme}:////tmp/clone.db"
    assert url.params("/tmp/clone.db") == {"database": "/tmp/clone.db"}


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://db/x?service=prod",
        "postgresql://db/x?options=-crole%3Dx",
        "postgresql://db/x?sslmode=allow",
        "postgresql://a,b/x",
        "mysql://db/x?read_default_file=/etc/my.cnf",
    ],
)
def test_what_only_the_driver_follows_is_left_to_it(text: str) -> None:
    with pytest.raises(UnsupportedDatabase):
        parse(text).target()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "shop",
        "oracle://db/x",
        "postgresql:/db/x",
        "postgresql://db:0/x",
        "postgresql://db:65536/x",
        "postgresql://db:" + "9" * 5000,
        "postgresql://db:٣/x",
        "postgresql://[::1/x",
        "postgresql://[::1]5432/x",
        "postgresql://a:1:2/x",
        "postgresql://db/x y",
        "postgresql://db/x\n",
        "postgresql://db/%00",
        "postgresql://db/%zz",
        "postgresql://u:%ff@db/x",
        "postgresql://db/x?dbname=other",
        "mysql://db/x?database=other",
        "postgresql://u@db/x?user=v",
        "postgresql://db/x?host=other",
        "postgresql://db/x?sslmode=require&sslmode=disable",
        "postgresql://db/x?sslmode",
        "postgresql://db/x/y",
        "sqlite://host/x",
        "sqlite:///file:x?mode=ro",
        "sqlite:///x?uri=true",
    ],
)
def test_unclear_url_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationException, match="concurrent_database is not the URL"):
        parse(text, "concurrent_database")


def shown(text: str) -> str:
    """Everything that we would say of a URL."""
    try:
        url = parse(text)
    except ConfigurationException as error:
        return f"{error} {error.hint}"
    try:
        url.target()
    except UnsupportedDatabase as error:
        return f"{url!r} {url.place} {error} {error.hint}"
    return f"{url!r} {url.place}"


@pytest.mark.parametrize("mistake", ["/", "#", "?", "?a=", "?db=", "@/", " ", "%", ":", "/12:"])
@pytest.mark.parametrize(
    "start", ["postgresql://u:", "mysql://u:12", "postgres://", "mysql://a@u:1/"]
)
def test_unescaped_password_is_never_shown(start: str, mistake: str) -> None:
    text = f"{start}{SECRET}{mistake}{SECRET}&{SECRET}={SECRET}@db:5432/shop"
    assert SECRET not in shown(text)


@given(st.text() | st.text("postgresmyqlit:/@?&=%#[]+,.a1\0 \n").map("postgresql://".__add__))
@example("sqlite:///" + "x" * 100_000)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        url = parse(text)
    except ConfigurationException:
        return
    try:
        url.target()
    except UnsupportedDatabase:
        return
    assert parse(url.with_database("test_a")).database == "test_a"
    url.params("test_a")


printable = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)
names = st.text(string.ascii_lowercase, min_size=1, max_size=20)


@given(user=printable, password=printable, host=names, port=st.integers(1, 65535), name=printable)
def test_escaped_parts_are_read_back(
    user: str, password: str, host: str, port: int, name: str
) -> None:
    written = [quote(part, safe="") for part in (user, password, name)]
    url = parse("postgresql://{}:{}@{}:{}/{}".format(*written[:2], host, port, written[2]))
    assert (url.user, url.password, url.host, url.port) == (user, password, host, port)
    assert url.database == name


@given(printable)
def test_another_database_is_reached_the_same_way(password: str) -> None:
    text = f"postgresql+psycopg://u:{quote(password, safe='')}@db:5433/shop?sslmode=require"
    assert parse(text).with_database("test_a") == text.replace("/shop?", "/test_a?")


@given(st.lists(st.sampled_from([SECRET, *"/:@?#&=%", "%40", "db", "5432"]), max_size=12))
def test_no_piece_of_credentials_is_ever_shown(pieces: list[str]) -> None:
    # Whatever comes before the last @ may be meant as user or password.
    text = f"mysql://u:{''.join(pieces)}@db/shop"
    assert SECRET not in shown(text)


def test_params_are_what_the_named_driver_takes() -> None:
    tail = "u:p@db:5433/x"
    assert parse(f"postgresql://{tail}").params("t") == {
        "user": "u", "password": "p", "host": "db", "port": 5433, "dbname": "t",
    }  # fmt: skip
    assert parse(f"postgresql+asyncpg://{tail}").params("t")["database"] == "t"
    mysql = parse(f"mysql://{tail}?ssl_ca=/ca&connect_timeout=3").params("t")
    assert (mysql["ssl"], mysql["connect_timeout"], mysql["database"]) == ({"ca": "/ca"}, 3, "t")
    assert parse(f"mysql+pymysql://{tail}?ssl_ca=/ca").params("t")["ssl_ca"] == "/ca"
