"""A private MariaDB."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pymysql

from .server import HOST, MAKE_SECONDS, Account, Server, find
from .ward import Ward

_PACKAGE = "mariadb-server"
_PLACES = ("/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/opt/homebrew/opt/mariadb/bin")
_SUPPLIED = {"information_schema", "mysql", "performance_schema", "sys"}
#: What makes a server fast and forgetful; the sizes keep what it writes at first to 20 MB.
_FORGETFUL = (
    "innodb-flush-method=nosync",
    "innodb-flush-log-at-trx-commit=0",
    "innodb-doublewrite=0",
    "sync-frm=0",
    "aria-log-file-size=8M",
)
_SMALL = ("innodb-log-file-size=16M",)
# Everything but the right to create: `shop` is a database that an administrator made.
_RESTRICTED_TO = "`shop`.*"


class MariaDbServer(Server):
    """A private MariaDB."""

    vendor: ClassVar[str] = "mysql"
    user: ClassVar[str] = "mysql"
    # It keeps nothing outside of its folder, and takes a second for everything else.
    farewell: ClassVar[signal.Signals] = signal.SIGKILL

    @property
    def socket(self) -> Path:
        """The file of its Unix socket."""
        return self.folder / "socket"

    def connect(
        self, database: str | None = None, account: Account | None = None
    ) -> pymysql.connections.Connection[Any]:
        """A connection over TCP that commits each statement; the superuser's by default."""
        who = account or self.superuser
        certificate = self.certificate
        return pymysql.connect(
            host=HOST,
            port=self.port,
            user=who.name,
            password=who.password,
            database=database,
            ssl_ca=str(certificate.public) if certificate else None,
            ssl_verify_cert=True if certificate else None,
            ssl_verify_identity=bool(certificate),
            charset="utf8mb4",
            connect_timeout=10,
            autocommit=True,
        )

    def list_databases(self) -> list[str]:
        """Names of all that did not come with the server, in order."""
        rows = self.execute("SELECT schema_name FROM information_schema.schemata")
        return sorted(name for (name,) in rows if name not in _SUPPLIED)

    def _require(self) -> None:
        self._install = find("mariadb-install-db", _PACKAGE, "/usr/bin", *_PLACES)
        self._mariadbd = find("mariadbd", _PACKAGE, *_PLACES)

    def _make(self, ward: Ward) -> None:
        how = ["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"]
        settings = [f"--{setting}" for setting in (*_FORGETFUL, *_SMALL)]
        where = ["--no-defaults", f"--datadir={ward.folder / 'data'}"]
        ward.run([self._install, *where, *how, *settings], MAKE_SECONDS)

    def _prepare(self) -> None:
        # Run by the server before anybody can connect.
        self._first.write_text(self._accounts_sql())
        self._first.chmod(0o600)
        if self._ward.user is not None:
            shutil.chown(self._first, self._ward.user)

    def _furnish(self) -> None:
        self._first.unlink()

    @property
    def _first(self) -> Path:
        return self.folder / "accounts.sql"

    def _serve(self) -> Sequence[str | Path]:
        settings = [
            f"datadir={self.data}",
            f"socket={self.socket}",
            f"pid-file={self.folder / 'pid'}",
            f"bind-address={HOST}",
            f"port={self.port}",
            "skip-name-resolve",
            "innodb-buffer-pool-size=64M",
            "character-set-server=utf8mb4",
            *_SMALL,
            *([] if self.options.durable else _FORGETFUL),
            *([f"init-file={self._first}"] if self._first.exists() else []),
            *self._tls(),
            *self._limit(),
            *self.options.settings,
        ]
        return [self._mariadbd, "--no-defaults", *(f"--{setting}" for setting in settings)]

    def _tls(self) -> list[str]:
        if self.certificate is None:
            return ["skip-ssl"]
        public, private = self.certificate.public, self.certificate.private
        return [f"ssl-cert={public}", f"ssl-key={private}", "require-secure-transport=ON"]

    def _limit(self) -> list[str]:
        number = self.options.max_connections
        # The server's own minimum is 10; it keeps one more for a superuser.
        return [] if number is None else [f"max-connections={number}"]

    def _accounts_sql(self) -> str:
        """The accounts, a statement in each line."""
        lines = []
        grants = {
            self.superuser: "ALL PRIVILEGES ON *.* TO {} WITH GRANT OPTION",
            self.creator: "ALL PRIVILEGES ON *.* TO {}",
            self.restricted: f"ALL PRIVILEGES ON {_RESTRICTED_TO} TO {{}}",
        }
        for account, grant in grants.items():
            password = account.password.replace("\\", "\\\\").replace("'", "\\'")
            name = f"'{account.name}'@'%'"
            using = f"mysql_native_password USING PASSWORD('{password}')"
            lines += [f"CREATE USER {name} IDENTIFIED VIA {using};", f"GRANT {grant.format(name)};"]
        # Whoever may do everything could also kill others and read everything: not the creator.
        lines.append(
            "REVOKE SUPER, FILE, CONNECTION ADMIN, READ_ONLY ADMIN ON *.* FROM 'creator'@'%';"
        )
        return "\n".join(lines) + "\n"

    def _refused(self, error: Exception) -> bool:
        return isinstance(error, pymysql.err.OperationalError)
