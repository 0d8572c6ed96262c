"""A private PostgreSQL."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import psycopg
from psycopg import sql

from .errors import ServerError
from .server import HOST, MAKE_SECONDS, Account, Server, find
from .ward import Ward

_PACKAGE = "postgresql"
_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
#: What makes a server fast and forgetful (PostgreSQL's manual, "Non-Durable Settings").
_FORGETFUL = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
# Connections may be local or over TCP; with TLS those over TCP have to be encrypted.
_RULES = """\
local all all {how}
{kind} all all 127.0.0.1/32 {how}
"""


class PostgresServer(Server):
    """A private PostgreSQL; its maintenance database is `postgres`."""

    vendor: ClassVar[str] = "postgresql"
    user: ClassVar[str] = "postgres"
    # "Immediate shutdown": its children end as well, its shared memory is given back.
    farewell: ClassVar[signal.Signals] = signal.SIGQUIT

    @property
    def socket(self) -> Path:
        """The folder of its Unix socket."""
        return self.folder

    def connect(
        self, database: str | None = None, account: Account | None = None
    ) -> psycopg.Connection[tuple[Any, ...]]:
        """A connection over TCP that commits each statement; the superuser's by default."""
        who = account or self.superuser
        certificate = self.certificate
        return psycopg.connect(
            host=HOST,
            port=self.port,
            user=who.name,
            password=who.password or None,
            dbname=database or "postgres",
            sslmode="verify-full" if certificate else "disable",
            sslrootcert=str(certificate.public) if certificate else None,
            connect_timeout=10,
            autocommit=True,
        )

    def list_databases(self) -> list[str]:
        """Names of all that did not come with the server, in order."""
        rows = self.execute("SELECT datname FROM pg_database WHERE oid >= 16384")
        return sorted(name for (name,) in rows)

    def stop(self) -> None:
        """Stop it without waiting for clients; its data stays."""
        # SIGTERM would wait until every client has gone.
        if not self._ward.end(signal.SIGINT, MAKE_SECONDS):
            raise ServerError(f"it did not stop:\n{self.log()}")

    def _require(self) -> None:
        self._initdb = find("initdb", _PACKAGE, *_PLACES)
        self._postgres = find("postgres", _PACKAGE, *_PLACES)

    def _make(self, ward: Ward) -> None:
        who = ["--username", self.superuser.name, "--auth", "trust"]
        how = ["--encoding", "UTF8", "--locale", "C", "--no-sync", "--no-instructions"]
        ward.run([self._initdb, "--pgdata", ward.folder / "data", *who, *how], MAKE_SECONDS)

    def _prepare(self) -> None:
        self._allow("trust")  # until there are passwords

    def _allow(self, how: str) -> None:
        kind = "hostssl" if self.certificate else "host"
        (self.data / "pg_hba.conf").write_text(_RULES.format(how=how, kind=kind))

    def _serve(self) -> Sequence[str | Path]:
        settings = [
            f"listen_addresses={HOST}",
            f"port={self.port}",
            f"unix_socket_directories={self.folder}",
            # Kept in the data folder, so that even a killed server leaves nothing behind.
            "dynamic_shared_memory_type=mmap",
            *([] if self.options.durable else _FORGETFUL),
            *self._tls(),
            *self._limit(),
            *self.options.settings,
        ]
        return [self._postgres, "-D", self.data, *(f"--{setting}" for setting in settings)]

    def _tls(self) -> list[str]:
        if self.certificate is None:
            return []
        public, private = self.certificate.public, self.certificate.private
        return ["ssl=on", f"ssl_cert_file={public}", f"ssl_key_file={private}"]

    def _limit(self) -> list[str]:
        number = self.options.max_connections
        # Replication's own places must be fewer than those, and nobody here replicates.
        return [] if number is None else [f"max_connections={number}", "max_wal_senders=0"]

    def _furnish(self) -> None:
        rights = {self.superuser: "SUPERUSER", self.creator: "CREATEDB"}
        with self.connect() as connection:
            for account in self.accounts:
                verb = "ALTER" if account == self.superuser else "CREATE"
                statement = sql.SQL("{} ROLE {} LOGIN {} PASSWORD {}").format(
                    sql.SQL(verb),
                    sql.Identifier(account.name),
                    sql.SQL(rights.get(account, "NOCREATEDB")),
                    sql.Literal(account.password or None),
                )
                connection.execute(statement)
            self._allow("scram-sha-256" if self.options.passwords else "trust")
            connection.execute("SELECT pg_reload_conf()")

    def _refused(self, error: Exception) -> bool:
        return isinstance(error, psycopg.OperationalError)
