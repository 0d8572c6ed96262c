"""Servers, started when the first test asks for one, and projects that use them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest

from .engines import NAMES, Engine, on_server, sqlite
from .projects import Project
from .servers import (
    MariaDbServer,
    MissingServerError,
    Options,
    PostgresServer,
    Server,
    discard_molds,
)

S = TypeVar("S", bound=Server)


class Servers:
    """The servers of a session: one for each kind and its options."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._running: dict[tuple[type[Server], Options], Any] = {}

    def get(self, kind: type[S], options: Options | None = None) -> S:
        """A server that other tests use too, so it must not be stopped."""
        wanted = options or Options()
        server: S | None = self._running.get((kind, wanted))
        if server is None:
            server = begin(kind, wanted)
            self._stack.callback(server.close)
            self._running[kind, wanted] = server
        return server


class FreshServer(Protocol):
    """Starts a server of the test's own, which it may kill; it ends with the test."""

    def __call__(self, kind: type[S], options: Options | None = None) -> S:
        """Returns the server."""


def begin(kind: type[S], options: Options | None = None) -> S:
    """Start a server; where there is none the test is skipped, except that in CI it fails."""
    try:
        return kind(options)
    except MissingServerError as missing:
        if os.environ.get("CI"):
            pytest.fail(f"{missing} (no test passes by skipping in CI)", pytrace=False)
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Servers of the session, started when they are first asked for."""
    with ExitStack() as stack:
        stack.callback(discard_molds)
        yield Servers(stack)


@pytest.fixture
def fresh_server() -> Iterator[FreshServer]:
    """Starts servers of the test's own."""
    with ExitStack() as stack:

        def fresh(kind: type[S], options: Options | None = None) -> S:
            server = begin(kind, options)
            stack.callback(server.close)
            return server

        yield fresh


@pytest.fixture(scope="session")
def postgres(servers: Servers) -> PostgresServer:
    """The session's PostgreSQL."""
    return servers.get(PostgresServer)


@pytest.fixture(scope="session")
def mariadb(servers: Servers) -> MariaDbServer:
    """The session's MariaDB."""
    return servers.get(MariaDbServer)


@pytest.fixture(params=NAMES)
def engine(request: pytest.FixtureRequest, servers: Servers) -> Engine:
    """Each engine in turn."""
    if request.param == "postgresql":
        return on_server(servers.get(PostgresServer))
    if request.param == "mariadb":
        return on_server(servers.get(MariaDbServer))
    return sqlite(request.param)


@pytest.fixture
def project(engine: Engine, tmp_path: Path) -> Iterator[Project]:
    """A copy of the project on each engine in turn.

    A test for one engine is parametrised: `@pytest.mark.parametrize("engine", …, indirect=True)`.
    """
    project = Project(tmp_path / "project", engine.environment)
    yield project
    project.close()
