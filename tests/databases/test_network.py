"""A run speaks to the server that its user named, and to nobody else."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from .conftest import Servers
from .scene import forget
from .servers import Options, PostgresServer

SET_UP = """
import psycopg

def create(url):
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE planets (name text)")
"""
TESTS = """
import psycopg
import pytest

@pytest.mark.parametrize("number", range(4))
def test_rows(concurrent_database, number):
    with psycopg.connect(**concurrent_database.params) as connection:
        connection.execute("INSERT INTO planets VALUES ('Mars')")

def test_no_database(): pass
"""
_CALL = re.compile(r"\b(connect|bind|listen|sendto|sendmsg)\((.*)")
_PLACE = re.compile(r"sa_family=(AF_\w+)(?:, sin6?_port=htons\((\d+)\))?")


def calls(trace: Path) -> set[tuple[str, str, str]]:
    """What was called with an address of the network: call, family, port."""
    found = set()
    for line in trace.read_text(errors="replace").splitlines():
        call = _CALL.search(line)
        if call is None:
            continue
        place = _PLACE.search(call[2])
        if call[1] == "listen":
            found.add(("listen", "", ""))
        elif place is not None and place[1] not in {"AF_UNIX", "AF_NETLINK"}:
            found.add((call[1], place[1], place[2] or ""))
    return found


def strace() -> str:
    """Where strace is; without it the test is skipped, except that in CI it fails."""
    path = shutil.which("strace")
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("strace is missing (no test passes by skipping in CI)", pytrace=False)
        pytest.skip("needs strace")
    return path


def traced(pytester: pytest.Pytester, *options: str) -> set[tuple[str, str, str]]:
    """The calls of a run that ended well."""
    trace = pytester.path / "trace"
    watch = [strace(), "-f", "-qq", "-e", "trace=network", "-o", str(trace)]
    suite = [
        sys.executable,
        "-m",
        "pytest",
        "--concurrent",
        "--workers=2",
        "-p",
        "no:cacheprovider",
    ]
    result = pytester.run(*watch, *suite, *options)
    assert result.ret == 0, result.stdout.str() + result.stderr.str()
    assert "socketpair(AF_UNIX" in trace.read_text(errors="replace")
    return calls(trace)


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_run_without_databases_speaks_to_nobody(pytester: pytest.Pytester, start: str) -> None:
    pytester.makepyfile("def test_one(): pass\ndef test_two(): pass")
    files = ("--concurrent-events=events.jsonl", "--benchmark", "--export-timings=timings.json")
    assert traced(pytester, f"--concurrent-start={start}", *files) == set()


def test_run_speaks_to_the_named_server_only(
    pytester: pytest.Pytester, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = servers.get(PostgresServer, Options(passwords=True))
    who = f"{quote(server.creator.name)}:{quote(server.creator.password, safe='')}"
    url = f"postgresql://{who}@127.0.0.1:{server.port}/planets"
    monkeypatch.setenv("PLANETS", url)
    pytester.makeini(
        "[pytest]\npythonpath = .\nconcurrent_database = $PLANETS\n"
        "concurrent_database_setup = filling:create\n"
    )
    pytester.makepyfile(filling=SET_UP, test_planets=TESTS)
    try:
        assert traced(pytester) == {("connect", "AF_INET", str(server.port))}
    finally:
        forget(server)


def test_a_connection_elsewhere_would_be_seen(pytester: pytest.Pytester) -> None:
    """The net has no holes: what a test does itself is in the trace."""
    pytester.makepyfile(
        """
        import socket

        def test_speaks():
            with socket.socket() as listening:
                listening.bind(("127.0.0.1", 0))
                listening.listen()
                socket.create_connection(listening.getsockname()).close()
        """
    )
    found = traced(pytester)
    assert {call for call, _, _ in found} >= {"bind", "listen", "connect"}
