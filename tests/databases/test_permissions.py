"""Scripts are told whether the role of the tests may create databases, and what allows it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import Servers
from .servers import MariaDbServer, PostgresServer, Server

SCRIPT = """
import sys
from django.conf import settings
engine, port, user, password = sys.argv[1:]
if engine == "mysql":
    import pymysql
    pymysql.version_info = (2, 2, 1, "final", 0)
    pymysql.install_as_MySQLdb()
database = {
    "ENGINE": f"django.db.backends.{engine}", "HOST": "127.0.0.1", "PORT": port, "NAME": "shop",
    "USER": user, "PASSWORD": password,
}
settings.configure(DATABASES={"default": database})
from pytest_concurrent import exceptions, security
try:
    security.validate_database_permissions()
    print("fine")
except exceptions.PermissionException as error:
    print(error, error.hint, sep=": ")
"""


@pytest.mark.parametrize("kind", [PostgresServer, MariaDbServer])
def test_role_is_judged_and_nothing_is_left(
    servers: Servers, kind: type[Server], tmp_path: Path
) -> None:
    server = servers.get(kind)
    (tmp_path / "check.py").write_text(SCRIPT)

    def said(name: str, password: str) -> str:
        where = [server.vendor, str(server.port), name, password]
        command = [sys.executable, "check.py", *where]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    assert said(server.creator.name, server.creator.password) == "fine"
    refused = said(server.restricted.name, server.restricted.password)
    grant = "ALTER ROLE" if server.vendor == "postgresql" else "GRANT"
    assert refused.startswith("the role of database 'default' may not create databases: ")
    assert grant in refused
    assert server.list_databases() == []
