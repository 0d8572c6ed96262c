"""How the project of `tests/django_project` is put on an engine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .servers import Account, Server

NAMES = ("sqlite-memory", "sqlite-file", "postgresql", "mariadb")
#: Of a project's copy: where SQLite's file is made.
SQLITE_FILE = "test.sqlite3"


@dataclass(frozen=True)
class Engine:
    """An engine, and what the project's settings have to be told.

    Attributes:
        name: One of `NAMES`.
        environment: Variables for the project's processes; passwords are among them.
        server: None for SQLite.
    """

    name: str
    environment: Mapping[str, str] = field(repr=False)
    server: Server | None = None


def sqlite(name: str) -> Engine:
    """SQLite in memory, or in a file of the project's folder."""
    file = {"SHOP_DB_TEST_NAME": SQLITE_FILE} if name == "sqlite-file" else {}
    return Engine(name, {"SHOP_DB_ENGINE": "sqlite3", **file})


def on_server(
    server: Server, account: Account | None = None, *, database: str = "shop", socket: bool = False
) -> Engine:
    """A server's engine.

    Args:
        server: A running one.
        account: Who the project is; `server.creator` by default.
        database: The name of its real database, which need not exist.
        socket: Whether to go through the Unix socket.
    """
    who = account or server.creator
    environment = {
        "SHOP_DB_ENGINE": server.vendor,
        "SHOP_DB_NAME": database,
        "SHOP_DB_USER": who.name,
        "SHOP_DB_PASSWORD": who.password,
        "SHOP_DB_HOST": str(server.socket) if socket else "127.0.0.1",
        "SHOP_DB_PORT": str(server.port),
        "SHOP_DB_OPTIONS": json.dumps(_options(server, socket=socket)),
    }
    name = "postgresql" if server.vendor == "postgresql" else "mariadb"
    return Engine(name, environment, server)


def _options(server: Server, *, socket: bool) -> dict[str, object]:
    if server.certificate is None or socket:
        return {}
    authority = str(Path(server.certificate.public))
    if server.vendor == "postgresql":
        return {"sslmode": "verify-full", "sslrootcert": authority}
    return {"ssl": {"ca": authority, "verify_mode": "required", "check_hostname": True}}
