"""Private PostgreSQL and MariaDB servers on free ports, empty as often as one is wanted.

    python benchmarks/database_servers.py postgresql    # says how to reach it; ends with its input

They live in a process that is no descendant of the measuring one: what is measured there is the
CPU time and memory of every descendant, and whatever a command leaves behind is ended. They stop,
and their files go, when the input of that process ends, so they also follow a killed benchmark.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from measuring.process import PR_SET_CHILD_SUBREAPER

HOST = "127.0.0.1"
START_SECONDS = 60.0  # a first start on a slow disk takes about 5 s
STOP_SECONDS = 20.0
POLL_SECONDS = 0.05


class ServerError(Exception):
    """A server could not be made or did not come up."""


@dataclass(frozen=True)
class Kind:
    """How one sort of server is made, started and reached.

    `account` is the system user it runs as when the caller is root; `role` the database role,
    which needs no password from this machine.
    """

    name: str
    account: str
    role: str
    initialise: Callable[[Path], Sequence[str]]
    serve: Callable[[Path, int], Sequence[str]]
    unsafe: Sequence[str]
    first_statement: Callable[[int], Sequence[str]]


def _postgresql_program(name: str) -> str:
    """Find a program of the newest PostgreSQL, which distributions keep off the PATH."""
    found = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda p: float(p.parts[-3])
    )
    program = str(found[-1]) if found else shutil.which(name)
    if program is None:
        raise ServerError(f"{name} is missing: install PostgreSQL's server (postgresql)")
    return program


def _mariadb_program(name: str) -> str:
    program = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin")
    if program is None:
        raise ServerError(f"{name} is missing: install MariaDB's server (mariadb-server)")
    return program


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "postgresql",
            "postgres",
            "bench",
            lambda data: (
                *(_postgresql_program("initdb"), "-D", str(data), "-U", "bench"),
                *("--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"),
            ),
            lambda data, port: (
                *(_postgresql_program("postgres"), "-D", str(data), "-p", str(port)),
                *("-k", str(data), "-c", f"listen_addresses={HOST}"),
            ),
            ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"),
            lambda port: (
                *(_postgresql_program("psql"), "-h", HOST, "-p", str(port), "-U", "bench"),
                *("-d", "postgres", "-c", "SELECT 1"),
            ),
        ),
        Kind(
            "mariadb",
            "mysql",
            "root",
            lambda data: (
                *(_mariadb_program("mariadb-install-db"), "--no-defaults", f"--datadir={data}"),
                *("--auth-root-authentication-method=normal", "--skip-test-db"),
            ),
            # The character set is the one that Debian's and Ubuntu's packages configure.
            lambda data, port: (
                *(_mariadb_program("mariadbd"), "--no-defaults", f"--datadir={data}"),
                *(f"--port={port}", f"--bind-address={HOST}", f"--socket={data}/server.sock"),
                *(f"--pid-file={data}/server.pid", "--character-set-server=utf8mb4"),
                "--collation-server=utf8mb4_general_ci",
            ),
            (
                *("--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync"),
                "--skip-innodb-doublewrite",
            ),
            lambda port: (
                *(_mariadb_program("mariadb"), "--no-defaults", "-h", HOST, "-P", str(port)),
                *("-u", "root", "-e", "SELECT 1"),
            ),
        ),
    )
}


@dataclass(frozen=True)
class Address:
    """Where a server listens, and the role that needs no password there."""

    engine: str
    port: int
    role: str
    host: str = HOST

    def environment(self) -> dict[str, str]:
        """Give what wagtail's test settings read."""
        back_ends = {"postgresql": "postgresql", "mariadb": "mysql"}
        return {
            "DATABASE_ENGINE": f"django.db.backends.{back_ends[self.engine]}",
            "DATABASE_HOST": self.host,
            "DATABASE_PORT": str(self.port),
            "DATABASE_USER": self.role,
            "DATABASE_PASSWORD": "",
        }

    def url(self, database: str) -> str:
        """Give the address of a database as one URL."""
        scheme = {"postgresql": "postgres", "mariadb": "mysql"}[self.engine]
        return f"{scheme}://{self.role}@{self.host}:{self.port}/{database}"


class Running:
    """One server in the process that keeps them; its port stays the same over `empty`."""

    def __init__(self, kind: Kind, folder: Path, *, durable: bool) -> None:
        self._kind, self._folder, self._durable = kind, folder, durable
        self._process: subprocess.Popen[bytes] | None = None
        self._port = _free_port()
        self._user, self._group = _account(kind)
        if self._user is not None:
            shutil.chown(folder, self._user, self._group)
        self._call(kind.initialise(folder / "pristine"))

    def empty(self) -> Address:
        """Start one that holds nothing yet, in place of the one that ran before."""
        self.stop()
        data = self._folder / "data"
        shutil.rmtree(data, ignore_errors=True)
        subprocess.run(("cp", "-a", str(self._folder / "pristine"), str(data)), check=True)
        words = [*self._kind.serve(data, self._port), *(() if self._durable else self._kind.unsafe)]
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                words,
                cwd=data,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self._user,
                group=self._group,
            )
        self._await_answer()
        return Address(self._kind.name, self._port, self._kind.role)

    def stop(self) -> None:
        """End it at once; its data are not needed any more."""
        if self._process is None:
            return
        # PostgreSQL ends all its processes on SIGQUIT; MariaDB, one process, may be killed.
        self._process.send_signal(
            signal.SIGQUIT if self._kind.name == "postgresql" else signal.SIGKILL
        )
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_SECONDS)
        self._process = None

    def _await_answer(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        question = self._kind.first_statement(self._port)
        while subprocess.run(question, capture_output=True, check=False).returncode != 0:
            ended = self._process is None or self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                raise ServerError(f"{self._kind.name} did not start:\n{self._end_of_log()}")
            time.sleep(POLL_SECONDS)

    def _end_of_log(self) -> str:
        lines = (self._folder / "server.log").read_text(errors="replace").splitlines()
        return "\n".join(lines[-15:])

    def _call(self, words: Sequence[str]) -> None:
        done = subprocess.run(
            words,
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
            user=self._user,
            group=self._group,
        )
        if done.returncode != 0:
            raise ServerError(f"{words[0]} gave {done.returncode}:\n{done.stdout}{done.stderr}")


def _account(kind: Kind) -> tuple[int | None, int | None]:
    """Give user and group for a server that refuses to run as root; none: the caller's."""
    if os.geteuid() != 0:
        return None, None
    entry = pwd.getpwnam(kind.account)
    return entry.pw_uid, entry.pw_gid


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


class Servers:
    """The measuring side: asks the process that keeps the servers for an empty one."""

    def __init__(self, requests: IO[str], answers: IO[str]) -> None:
        self._requests, self._answers = requests, answers
        self._known: dict[tuple[str, bool], Address] = {}

    def address(self, engine: str, *, durable: bool = True) -> Address:
        """Say where the server is; start it when it does not run yet. Raises `ServerError`."""
        known = self._known.get((engine, durable))
        return known or self.empty(engine, durable=durable)

    def empty(self, engine: str, *, durable: bool = True) -> Address:
        """Start an empty server; the one before, at the same address, is gone then.

        `durable`: as the server comes; else it does not wait for the disk. Raises `ServerError`.
        """
        self._requests.write(json.dumps({"engine": engine, "durable": durable}) + "\n")
        self._requests.flush()
        answer = json.loads(self._answers.readline() or '{"error": "the servers are gone"}')
        if "error" in answer:
            raise ServerError(answer["error"])
        self._known[engine, durable] = Address(**answer)
        return self._known[engine, durable]


@contextmanager
def servers() -> Iterator[Servers]:
    """Start the process that keeps servers; all of them are gone when the block is left."""
    with _without_adoption():
        launcher = subprocess.Popen(
            (sys.executable, __file__, "--keep"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        launcher.wait()
    requests, answers = launcher.stdin, launcher.stdout
    if requests is None or answers is None:
        raise ServerError("the process that keeps servers has no pipes")
    with answers:
        try:
            yield Servers(requests, answers)
        finally:
            requests.close()
            answers.read()  # ends when the servers are stopped and their files deleted


@contextmanager
def _without_adoption() -> Iterator[None]:
    """Let orphans go to another parent for a while: this process counts and ends its own."""
    library, held = ctypes.CDLL(None, use_errno=True), ctypes.c_int()
    library.prctl(37, ctypes.byref(held), 0, 0, 0)  # PR_GET_CHILD_SUBREAPER
    library.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
    try:
        yield
    finally:
        library.prctl(PR_SET_CHILD_SUBREAPER, held.value, 0, 0, 0)


def _keep() -> None:
    """Answer each request line until the input ends, then stop everything."""
    if os.fork():  # the parent's end makes this one an orphan, so nobody's descendant
        os._exit(0)
    folder = Path(tempfile.mkdtemp(prefix="bench-servers-"))
    folder.chmod(0o711)  # the servers' accounts must reach their folders below it
    kept: dict[tuple[str, bool], Running] = {}
    try:
        for line in sys.stdin:
            print(json.dumps(_answer(json.loads(line), kept, folder)), flush=True)
    finally:
        for server in kept.values():
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _answer(
    request: dict[str, object], kept: dict[tuple[str, bool], Running], folder: Path
) -> dict[str, object]:
    engine, durable = str(request["engine"]), bool(request["durable"])
    try:
        if (engine, durable) not in kept:
            own = Path(tempfile.mkdtemp(dir=folder))
            kept[engine, durable] = Running(KINDS[engine], own, durable=durable)
        return {**vars(kept[engine, durable].empty())}
    except (ServerError, OSError, KeyError, subprocess.SubprocessError) as error:
        return {"error": f"{error}"}


def main(argv: Sequence[str] | None = None) -> int:
    """Keep servers for another program, or hold one for a person; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("engine", nargs="?", choices=KINDS)
    parser.add_argument("--not-durable", action="store_true", help="do not wait for the disk")
    parser.add_argument("--keep", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.keep:
        _keep()
        return 0
    if options.engine is None:
        parser.error("name an engine")
    with servers() as private:
        address = private.empty(options.engine, durable=not options.not_durable)
        for name, value in address.environment().items():
            print(f"export {name}={value}")
        print("# it stops when this program's input ends", flush=True)
        sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
