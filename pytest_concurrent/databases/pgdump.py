"""PostgreSQL's own tools, which write a database into a file and read it back."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

from pytest_concurrent import _engine
from pytest_concurrent.exceptions import (
    DatabaseCloneException,
    ResourceException,
    UnsupportedDatabase,
)

#: Where Debian's and Red Hat's packages put each version's tools.
_FOLDERS = ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin")

_TOOLS = ("pg_dump", "pg_restore", "psql")

#: Seconds for one tool. Whoever dumps longer builds faster (wagtail's template: 0.4 s).
_LIMIT = 600.0

#: Lines of a tool's complaint that are told.
_TAIL = 5

_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")

#: Variables of libpq, by the field of a target.
_VARIABLES = {
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "connect_timeout": "PGCONNECT_TIMEOUT",
}
_TLS_VARIABLES = {
    "mode": "PGSSLMODE",
    "ca": "PGSSLROOTCERT",
    "cert": "PGSSLCERT",
    "key": "PGSSLKEY",
}

#: What a dump without the database itself does not carry, or what it relies on. The columns have
#: other names in other versions, so the row is taken as JSON. `synchronous_commit` is our own.
_FACTS = """
SELECT json_build_object(
  'version', current_setting('server_version_num')::int / 10000,
  'settings', (SELECT count(*) FROM pg_db_role_setting s, unnest(setconfig) one
               WHERE s.setdatabase = d.oid AND one NOT LIKE 'synchronous_commit=%')
              + (d.datacl IS NOT NULL)::int,
  'locale', json_build_array(pg_encoding_to_char(d.encoding), d.datcollate, d.datctype,
    to_jsonb(d)->>'datlocprovider', to_jsonb(d)->>'datlocale', to_jsonb(d)->>'daticulocale'))
FROM pg_database d WHERE datname = current_database()
"""


@dataclass(frozen=True)
class Facts:
    """What must be the same on both sides of a file.

    Attributes:
        version: The server's major version.
        settings: How many settings and rights hang on the database itself.
        locale: Its encoding and collation.
    """

    version: int
    settings: int
    locale: list[str | None]


class PostgresTools:
    """Dumps and restores databases of one server.

    Passwords go into the tools' environment, never into their arguments.

    Args:
        target: Where the server is, as the engine takes it.
        root: The folder that the tools' packages are installed below.
    """

    def __init__(self, target: Mapping[str, Any], root: Path = Path("/")) -> None:
        self._target = target
        found = ((_version(folder), folder) for folder in _folders(root))
        # Of one version the package's own: what is on PATH may be Debian's wrapper, which is slow.
        self._folders = sorted((one for one in found if one[0]), key=itemgetter(0))

    def facts(self, name: str) -> Facts:
        """What a database is like.

        Raises:
            UnsupportedDatabase: The tools are not installed.
            DatabaseCloneException: They cannot get there.
        """
        if not self._folders:
            raise UnsupportedDatabase(
                "pg_dump, pg_restore and psql are not installed",
                hint="Install PostgreSQL's client of the server's version.",
            )
        arguments = ["--no-psqlrc", "--no-align", "--tuples-only", f"--command={_FACTS}"]
        # Any version of psql speaks with any server.
        answer = self._run(self._folders[-1][1], "psql", name, *arguments)
        return Facts(**json.loads(answer))

    def dump(self, name: str, path: Path) -> Facts:
        """Write a database into a file; what the file relies on.

        Raises:
            UnsupportedDatabase: No tools of a suitable version, or a dump would not hold all.
            DatabaseCloneException: The tool failed.
        """
        facts = self.facts(name)
        if facts.settings:
            raise UnsupportedDatabase(
                "a dump does not hold what GRANT … ON DATABASE and ALTER DATABASE … SET did to it"
            )
        options = ["--format=custom", f"--file={path}", *self._role()]
        self._run(self._folder(facts.version), "pg_dump", name, *options)
        return facts

    def restore(self, name: str, path: Path, expected: Facts) -> None:
        """Fill an empty database from a file, all of it or nothing.

        Raises:
            UnsupportedDatabase: It is of another encoding or collation than what was dumped, or
                no tools of a suitable version are there.
            DatabaseCloneException: The tool failed.
        """
        facts = self.facts(name)
        if facts.locale != expected.locale or facts.version < expected.version:
            raise UnsupportedDatabase(
                "it was written on a server of another version, encoding or collation"
            )
        options = ["--exit-on-error", "--single-transaction", *self._role()]
        folder = self._folder(facts.version)
        self._run(folder, "pg_restore", name, *options, f"--dbname={name}", str(path))

    def _folder(self, version: int) -> Path:
        """The server's own version if it is there: newer tools say what older servers refuse."""
        for found, folder in self._folders:
            if found >= version:
                return folder
        newest = self._folders[-1][0]
        raise UnsupportedDatabase(
            f"pg_dump {newest} is too old for PostgreSQL {version}",
            hint=f"Install PostgreSQL's client {version}.",
        )

    def _role(self) -> list[str]:
        role = self._target.get("role")
        return [f"--role={role}"] if role else []

    def _run(self, folder: Path, tool: str, name: str, *arguments: str) -> str:
        try:
            done = subprocess.run(
                [str(folder / tool), "--no-password", *arguments],
                env=self._environment(name),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_LIMIT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise DatabaseCloneException(f"{tool} took longer than {_LIMIT:.0f} s") from None
        except OSError as error:
            raise DatabaseCloneException(f"{tool} could not be started: {error}") from error
        if done.returncode == 0:
            return done.stdout.decode(errors="replace")
        known = [str(self._target.get("password") or "")]
        lines = _engine.redact(done.stderr.decode(errors="replace"), known).splitlines()
        text = "\n".join(lines[-_TAIL:])
        kind = ResourceException if "No space left" in text else DatabaseCloneException
        raise kind(f"{tool} failed with exit status {done.returncode}: {text}")

    def _environment(self, name: str) -> dict[str, str]:
        target = self._target
        # What else libpq would read could lead elsewhere.
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        own = {
            variable: str(target[key]) for key, variable in _VARIABLES.items() if target.get(key)
        }
        tls = target.get("tls") or {}
        own |= {variable: str(tls[key]) for key, variable in _TLS_VARIABLES.items() if tls.get(key)}
        host = target.get("socket") or target.get("host")
        if host:
            own["PGHOST"] = str(host)
        return kept | own | {"PGDATABASE": name, "PGAPPNAME": "pytest-concurrent", "LC_ALL": "C"}


def _folders(root: Path) -> Iterator[Path]:
    for pattern in _FOLDERS:
        yield from root.glob(pattern)
    found = shutil.which("pg_dump")
    if found is not None:
        yield Path(found).parent


def _version(folder: Path) -> int:
    """The major version of a folder's tools; 0 if one of them is missing."""
    if not all(os.access(folder / tool, os.X_OK) for tool in _TOOLS):
        return 0
    try:
        said = subprocess.run(
            [str(folder / "pg_dump"), "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_LIMIT,
            check=False,
        ).stdout.decode(errors="replace")
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = _VERSION.search(said)
    return int(found[1]) if found else 0
