"""What PostgreSQL and MariaDB have in common for the tests."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from glob import glob
from pathlib import Path
from typing import Any, ClassVar

from .certificate import Certificate, make_certificate
from .errors import MissingServerError, ServerError
from .ward import Ward

HOST = "127.0.0.1"
#: Seconds until a server answers; 0.3 were measured, more on a machine with other work.
START_SECONDS = 30.0
#: Seconds for what makes the system's own tables; 3 were measured.
MAKE_SECONDS = 90.0
#: Seconds for a server to stop politely; MariaDB takes 1.
STOP_SECONDS = 30.0
#: Somebody else may take the port between our look and the server's.
PORTS_TRIED = 3
#: What an URL, a shell, SQL and a pgpass file would each read as something else.
_AWKWARD = "a:b/c@d'e\"f%g\\h#i j?"

Row = tuple[Any, ...]

#: By vendor: what an empty server's data look like. Making them takes seconds, a copy 0.1 s. They
#: go with this process at the latest, by their wardens.
_molds: dict[str, Ward] = {}


@dataclass(frozen=True)
class Options:
    """How a server differs from the usual one.

    Attributes:
        durable: Whether it waits for the disk, as servers do outside of tests.
        tls: Whether it speaks TLS, and over TCP nothing else.
        passwords: Whether accounts have one and need it.
        max_connections: Of all accounts, if it is not what the server thinks right.
        settings: More settings, as `name=value`.
    """

    durable: bool = False
    tls: bool = False
    passwords: bool = False
    max_connections: int | None = None
    settings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Account:
    """Who connects.

    Attributes:
        name: As the server knows it.
        password: Empty if none is needed.
    """

    name: str
    password: str = field(default="", repr=False)


class Server(ABC):
    """A running server; the constructor starts it.

    Attributes:
        vendor: As Django names it, `postgresql` or `mysql`.
        port: On 127.0.0.1; the same after a restart.
        socket: Of Unix: for PostgreSQL its folder, for MariaDB its file.
        certificate: What it shows, if it speaks TLS.
        superuser: An account that may do everything.
        creator: One that may create databases, and owns what it creates.
        restricted: One that may not.
    """

    vendor: ClassVar[str]
    #: The system's user that has to run it if we are root.
    user: ClassVar[str]
    #: What ends it, at once and without a trace outside of its folder.
    farewell: ClassVar[signal.Signals]

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or Options()
        self.superuser = self._account("superuser")
        self.creator = self._account("creator")
        self.restricted = self._account("restricted")
        self.certificate: Certificate | None = None
        self.port = 0
        self._require()
        self._ward = Ward(f"test-{self.vendor}", self.user, self.farewell)
        try:
            self._begin()
        except BaseException:
            self._ward.close()
            raise

    @property
    def folder(self) -> Path:
        """Where everything of it lives."""
        return self._ward.folder

    @property
    def data(self) -> Path:
        """Where it keeps its data."""
        return self.folder / "data"

    @property
    @abstractmethod
    def socket(self) -> Path:
        """Of Unix: for PostgreSQL its folder, for MariaDB its file."""

    @property
    def accounts(self) -> tuple[Account, ...]:
        """All of them."""
        return self.superuser, self.creator, self.restricted

    @abstractmethod
    def connect(self, database: str | None = None, account: Account | None = None) -> Any:
        """A connection over TCP that commits each statement; the superuser's by default."""

    @abstractmethod
    def list_databases(self) -> list[str]:
        """Names of all that did not come with the server, in order."""

    def execute(
        self, statement: str, database: str | None = None, account: Account | None = None
    ) -> list[Row]:
        """Run one statement; its rows, if it has any."""
        connection = self.connect(database, account)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return list(cursor.fetchall()) if cursor.description else []
        finally:
            connection.close()

    def start(self) -> None:
        """Start it on its port and wait until it answers."""
        self._ward.start(self._serve(), self._environment())
        self._await()

    def stop(self) -> None:
        """Stop it politely; its data stays."""
        if not self._ward.end(signal.SIGTERM, STOP_SECONDS):
            raise ServerError(f"it did not stop within {STOP_SECONDS:g} s:\n{self._ward.log()}")

    def kill(self) -> None:
        """Kill it, as a power failure would; its data stays."""
        self._ward.end(signal.SIGKILL, STOP_SECONDS)

    def restart(self) -> None:
        """Stop and start; who was connected is not any more."""
        self.stop()
        self.start()

    def close(self) -> None:
        """End it and remove everything of it."""
        self._ward.close()

    def log(self) -> str:
        """The last lines that it wrote."""
        return self._ward.log()

    def _account(self, name: str) -> Account:
        password = _AWKWARD + secrets.token_hex(8) if self.options.passwords else ""
        return Account(name, password)

    @abstractmethod
    def _require(self) -> None:
        """Find the programs, or raise MissingServerError."""

    @abstractmethod
    def _make(self, ward: Ward) -> None:
        """Make the folder `data` of an empty server in a ward's folder."""

    @abstractmethod
    def _serve(self) -> Sequence[str | Path]:
        """The server's command."""

    @abstractmethod
    def _prepare(self) -> None:
        """What is done to the data before the first start."""

    @abstractmethod
    def _furnish(self) -> None:
        """What is done once the server answers for the first time."""

    @abstractmethod
    def _refused(self, error: Exception) -> bool:
        """Whether a failed connection means that the server is not there yet."""

    def _environment(self) -> dict[str, str]:
        """What the server is started with besides our own environment."""
        return {"HOME": str(self.folder)}

    def _begin(self) -> None:
        if self.options.tls:
            self.certificate = make_certificate(self._ward, HOST)
        mold = self._mold().folder / "data"
        self._ward.run(["cp", "-a", "--reflink=auto", mold, self.data], MAKE_SECONDS)
        self._prepare()
        for attempt in range(1, PORTS_TRIED + 1):
            self.port = free_port()
            try:
                self.start()
                break
            except ServerError:
                if attempt == PORTS_TRIED or "in use" not in self._ward.log():
                    raise
        self._furnish()

    def _mold(self) -> Ward:
        mold = _molds.get(self.vendor)
        if mold is None:
            mold = Ward(f"test-{self.vendor}-mold", self.user, self.farewell)
            try:
                self._make(mold)
            except BaseException:
                mold.close()
                raise
            _molds[self.vendor] = mold
        return mold

    def _await(self) -> None:
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                self.connect().close()
                return
            except Exception as error:
                if not self._refused(error):
                    raise
                if not self._ward.alive():
                    raise ServerError(f"it ended:\n{self._ward.log()}") from error
                if time.monotonic() > end:
                    text = f"no answer within {START_SECONDS:g} s:\n{self._ward.log()}"
                    raise ServerError(text) from error
            time.sleep(0.02)


def discard_molds() -> None:
    """Remove what later servers would have been copied from."""
    while _molds:
        _molds.popitem()[1].close()


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def find(program: str, package: str, *places: str) -> Path:
    """A program on PATH, or else in the last of some folders, which may be patterns.

    Raises:
        MissingServerError: It is nowhere.
    """
    newest = sorted((found for place in places for found in glob(place)), key=_version)
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *reversed(newest)])
    found = shutil.which(program, path=path)
    if found is None:
        raise MissingServerError(program, package)
    return Path(found)


def _version(folder: str) -> tuple[int, ...]:
    return tuple(int(part) for part in Path(folder).parts if part.isdigit())
