"""A pytest plugin for suites whose tests share a server on a fixed port: one worker runs them."""

from __future__ import annotations

import pytest

#: Fixtures that listen on a fixed port, in httpx's suite.
SERVERS = frozenset({"server", "https_server"})


@pytest.hookimpl(optionalhook=True)
def pytest_concurrent_group(item: pytest.Item) -> str | None:
    """Keep the tests that use a server together."""
    return "server" if SERVERS & set(getattr(item, "fixturenames", ())) else None
