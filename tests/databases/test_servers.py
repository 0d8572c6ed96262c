"""The servers that the other tests rely on: what they allow, and that nothing is left of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from .conftest import FreshServer, Servers, begin
from .engines import on_server
from .projects import Project
from .servers import MariaDbServer, MissingServerError, Options, PostgresServer, Server, ServerError

KINDS = [PostgresServer, MariaDbServer]
#: Seconds within which a warden notices, ends its server and removes the folder; 1 was measured.
PATIENCE = 30.0
LOCKED = Options(tls=True, passwords=True, max_connections=12)

every_kind = pytest.mark.parametrize("kind", KINDS)

# Starts a server, says where it is, and is killed.
_OWNER = """
import sys, time
sys.path.insert(0, sys.argv[1])
from databases import servers
server = getattr(servers, sys.argv[2])()
connection = server.connect()
if sys.argv[3] == "crashed":
    server.kill()
print(server.folder, server._mold().folder, flush=True)
time.sleep(600)
"""


def wait_until(done: Callable[[], bool]) -> bool:
    """Whether it came true in time."""
    end = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def mentioning(text: str) -> list[str]:
    """The commands of processes that name a folder."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it has ended meanwhile
            continue
        if text in command:
            found.append(command)
    return found


def shared_memory() -> set[str]:
    """System V's segments."""
    lines = Path("/proc/sysvipc/shm").read_text().splitlines()[1:]
    return {line.split()[1] for line in lines}


@every_kind
def test_creator_owns_what_it_creates(servers: Servers, kind: type[Server]) -> None:
    server = servers.get(kind)
    server.execute("CREATE DATABASE made", account=server.creator)
    try:
        assert server.list_databases() == ["made"]
        server.execute("CREATE TABLE t (n int)", "made", server.creator)
        server.execute("INSERT INTO t VALUES (7)", "made", server.creator)
        assert server.execute("SELECT n FROM t", "made") == [(7,)]
    finally:
        server.execute("DROP DATABASE made", account=server.creator)
    assert server.list_databases() == []


@every_kind
def test_restricted_account_creates_no_database(servers: Servers, kind: type[Server]) -> None:
    server = servers.get(kind)
    with pytest.raises(Exception, match=r"denied"):
        server.execute("CREATE DATABASE wanted", account=server.restricted)
    assert server.list_databases() == []


@every_kind
def test_creator_is_no_superuser(servers: Servers, kind: type[Server]) -> None:
    server = servers.get(kind)
    forbidden = {PostgresServer: "CHECKPOINT", MariaDbServer: "SET GLOBAL max_connections = 50"}
    server.execute("SELECT 1", account=server.creator)
    with pytest.raises(Exception, match=r"(?i)denied|superuser"):
        server.execute(forbidden[kind], account=server.creator)


@every_kind
def test_password_is_required(servers: Servers, kind: type[Server]) -> None:
    server = servers.get(kind, LOCKED)
    assert server.execute("SELECT 1", account=server.creator) == [(1,)]
    known, unknown = server.creator, type(server.creator)(server.creator.name, "guessed")
    assert known.password not in repr(server.accounts)
    with pytest.raises(Exception, match=r"(?i)denied|authentication failed"):
        server.execute("SELECT 1", account=unknown)


@every_kind
def test_connections_are_encrypted(servers: Servers, kind: type[Server]) -> None:
    server = servers.get(kind, LOCKED)
    if kind is PostgresServer:
        question = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
        assert server.execute(question) == [(True,)]
    else:
        ((_, cipher),) = server.execute("SHOW STATUS LIKE 'Ssl_cipher'")
        assert cipher


@every_kind
def test_few_connections_are_allowed(servers: Servers, kind: type[Server]) -> None:
    server = servers.get(kind, LOCKED)
    with ExitStack() as held:

        def connect_often() -> None:
            for _ in range(13):
                held.callback(server.connect(account=server.creator).close)

        with pytest.raises(Exception, match=r"(?i)too many|remaining connection slots"):
            connect_often()


@every_kind
def test_locked_server_serves_the_project(
    servers: Servers, kind: type[Server], tmp_path: Path
) -> None:
    project = Project(tmp_path / "project", on_server(servers.get(kind, LOCKED)).environment)
    result = project.run("tests/test_rows.py")
    assert result.code == 0, result.output


@every_kind
def test_socket_leads_to_the_server(servers: Servers, kind: type[Server], tmp_path: Path) -> None:
    engine = on_server(servers.get(kind, LOCKED), socket=True)
    result = Project(tmp_path / "project", engine.environment).run("tests/test_aliases.py")
    assert result.code == 0, result.output


@every_kind
def test_committed_rows_survive_a_kill(fresh_server: FreshServer, kind: type[Server]) -> None:
    server = fresh_server(kind, Options(durable=True))
    port = server.port
    server.execute("CREATE DATABASE kept")
    server.execute("CREATE TABLE t (n int)", "kept")
    server.execute("INSERT INTO t VALUES (7)", "kept")
    server.kill()
    with pytest.raises(Exception, match=r"(?i)refused|can't connect"):
        server.connect()
    server.start()
    server.restart()
    assert server.port == port
    assert server.execute("SELECT n FROM t", "kept") == [(7,)]


@pytest.mark.parametrize(
    ("kind", "state"),
    [(PostgresServer, "running"), (PostgresServer, "crashed"), (MariaDbServer, "running")],
)
def test_killed_owner_leaves_nothing(servers: Servers, kind: type[Server], state: str) -> None:
    servers.get(kind)  # or there is no such server
    before = shared_memory()
    tests = str(Path(__file__).resolve().parents[1])
    with subprocess.Popen(
        [sys.executable, "-c", _OWNER, tests, kind.__name__, state],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as owner:
        assert owner.stdout is not None
        folders = [Path(name) for name in owner.stdout.readline().split()]
        assert [mentioning(str(folder)) for folder in folders if folder.is_dir()]
        os.killpg(owner.pid, signal.SIGKILL)
    for folder in folders:
        assert wait_until(lambda: not folder.exists())  # noqa: B023
        assert wait_until(lambda: not mentioning(str(folder)))  # noqa: B023
    assert wait_until(lambda: shared_memory() <= before)


@every_kind
def test_closed_server_leaves_nothing(servers: Servers, kind: type[Server]) -> None:
    servers.get(kind)
    server = kind()
    folder = server.folder
    assert mentioning(str(folder))
    server.close()
    assert not folder.exists()
    assert mentioning(str(folder)) == []


@every_kind
def test_server_that_cannot_start_says_why(servers: Servers, kind: type[Server]) -> None:
    servers.get(kind)
    with pytest.raises(ServerError, match="no_such_setting"):
        kind(Options(settings=("no_such_setting=1",)))


class _Nowhere(PostgresServer):
    def _require(self) -> None:
        raise MissingServerError("postgres", "postgresql")


def test_missing_server_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="apt-get install postgresql"):
        begin(_Nowhere)


def test_missing_server_skips_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt-get install postgresql"):
        begin(_Nowhere)
