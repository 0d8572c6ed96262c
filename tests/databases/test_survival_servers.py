"""Servers that are not as open as those of most tests, and disks that are full."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .conftest import FreshServer, Servers
from .engines import on_server, sqlite
from .scene import (
    CONCURRENT,
    VERDICTS,
    Small,
    clones_and_builds,
    foreign,
    forget,
    members,
    templates,
)
from .servers import MariaDbServer, Options, PostgresServer, Server

KINDS = [PostgresServer, MariaDbServer]
IDS = ["postgresql", "mariadb"]
#: Everything that makes it hard to get in.
LOCKED = Options(tls=True, passwords=True, max_connections=12)
#: Bytes of a disk that is small but not yet full.
ROOM = 128 * 1024 * 1024

every_kind = pytest.mark.parametrize("kind", KINDS, ids=IDS)


@every_kind
def test_locked_server_is_used_and_no_secret_is_told(
    servers: Servers, kind: type[Server], tmp_path: Path
) -> None:
    server = servers.get(kind, LOCKED)
    small = Small(tmp_path / "project", on_server(server))
    small.hold("run")
    running = small.start(*CONCURRENT, "--concurrent-events=events.jsonl")
    small.await_held("run", running)
    commands = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in members(running.process.pid)]
    small.let_go("run")
    result = running.wait()
    try:
        assert (result.code, result.counts) == (0, VERDICTS), result.output
        assert clones_and_builds(server) == []
        assert len(templates(server)) == 1
    finally:
        forget(server)
    secret = server.creator.password.encode()
    assert len(commands) > 2
    assert not [command for command in commands if secret in command]
    files = [path for path in small.path.rglob("*") if path.is_file()]
    assert small.path / "events.jsonl" in files
    assert [path for path in files if secret in path.read_bytes()] == []


def test_few_connections_allow_few_workers(servers: Servers, tmp_path: Path) -> None:
    server = servers.get(PostgresServer, LOCKED)
    small = Small(tmp_path / "project", on_server(server))
    try:
        result = small.run("--concurrent", "--concurrent-workers=8", "-v")
        assert (result.code, result.counts) == (0, VERDICTS), result.output
        (header,) = [line for line in result.output.splitlines() if " worker" in line[:30]]
        assert "8 workers" not in header
        assert "takes 12 connections" in header
        assert clones_and_builds(server) == []
    finally:
        forget(server)


@every_kind
def test_role_that_may_not_create_is_told_what_to_grant(
    servers: Servers, kind: type[Server], tmp_path: Path
) -> None:
    server = servers.get(kind)
    small = Small(tmp_path / "project", on_server(server, server.restricted))
    result = small.run(*CONCURRENT)
    assert sum(result.counts.values()) == 9, result.output
    grant = "ALTER ROLE" if server.vendor == "postgresql" else "GRANT"
    lines = [line for line in result.output.splitlines() if line.startswith("concurrent:")]
    assert any("may not create databases" in line and grant in line for line in lines), lines
    assert server.list_databases() == []


@contextmanager
def small_disk(place: Path) -> Iterator[Path]:
    """Put a folder on a disk of its own, of which a file can take all that is left."""
    aside = place.with_name(place.name + "-aside")
    place.rename(aside)
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={ROOM},mode=700", "tmpfs", str(place)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        text = f"no small disk can be had here: {mounted.stderr.decode()}"
        if os.environ.get("CI"):
            pytest.fail(f"{text} (no test passes by skipping in CI)", pytrace=False)
        pytest.skip(text)
    try:
        about = aside.stat()
        os.chown(place, about.st_uid, about.st_gid)
        subprocess.run(["cp", "-a", f"{aside}/.", str(place)], check=True)
        shutil.rmtree(aside)
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(disk: Path, leaving: int) -> Path:
    """Take what is left of it, but for some bytes."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(disk).free - leaving)
    return ballast


def test_full_disk_costs_tests_not_the_run_on_postgresql(
    fresh_server: FreshServer, tmp_path: Path
) -> None:
    server = fresh_server(PostgresServer)
    small = Small(tmp_path / "project", on_server(server))
    server.stop()
    # Its log lies elsewhere: a server that cannot write that ends.
    with small_disk(server.data / "base") as disk:
        server.start()
        with foreign(server) as theirs:
            small.hold("build")
            running = small.start(*CONCURRENT)
            small.await_held("build", running)
            ballast = fill(disk, leaving=4 * 1024 * 1024)
            small.let_go("build")
            result = running.wait()
            assert result.code == 1, result.output
            assert sum(result.counts.values()) == 9, result.output
            assert result.outcomes["box/tests/test_box.py::test_without_database"] == "passed"
            # The server tells the cause to its own log only.
            assert "no clone of the database" in result.output
            ballast.unlink()
            again = small.run(*CONCURRENT)
            assert (again.code, again.counts) == (0, VERDICTS), again.output
            assert set(clones_and_builds(server)) < theirs
        server.stop()


def test_full_disk_costs_tests_not_the_run_on_sqlite(tmp_path: Path) -> None:
    small = Small(tmp_path / "project", sqlite("sqlite-file"))
    small.edit("shop/small.py", '"TEST": {}', '"TEST": {"NAME": "test.sqlite3"}')
    assert small.run(*CONCURRENT).counts == VERDICTS
    state = small.path / ".pytest_cache" / "concurrent-databases"
    with small_disk(state) as disk:
        ballast = fill(disk, leaving=0)
        result = small.run(*CONCURRENT)
        assert sum(result.counts.values()) == 9, result.output
        assert result.outcomes["box/tests/test_box.py::test_without_database"] == "passed"
        assert "No space left" in result.output
        ballast.unlink()
        again = small.run(*CONCURRENT)
        assert (again.code, again.counts) == (0, VERDICTS), again.output
        assert "template found" in again.output
        assert [path.name for path in (disk / "clones").glob("*.sqlite3")] == []
