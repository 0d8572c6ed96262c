"""pytest-socket shuts tests off from the network, and workers still report."""

from __future__ import annotations

import pytest

from . import junit
from .modes import Compare

SUITE = """
import socket

import pytest

def connect(host):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as end:
        end.settimeout(0.2)
        end.connect((host, 1))

@pytest.mark.parametrize("number", range(4))
def test_makes_a_socket(number): socket.socket()

@pytest.mark.allow_hosts(["127.0.0.1"])
def test_reaches_a_host():
    with pytest.raises((ConnectionRefusedError, socket.timeout)):
        connect("127.0.0.1")

@pytest.mark.allow_hosts(["127.0.0.1"])
def test_reaches_another_host(): connect("192.0.2.1")

@pytest.mark.enable_socket
def test_may(): socket.socket().close()

def test_fixture(socket_enabled): socket.socket().close()

def test_pair(): socket.socketpair()
"""


@pytest.mark.parametrize("option", ["--disable-socket", "--allow-unix-socket", "--allow-hosts="])
def test_refusals_are_equal(pytester: pytest.Pytester, compare: Compare, option: str) -> None:
    pytester.makepyfile(SUITE)
    args = ["--disable-socket"] if option == "--allow-unix-socket" else []
    option += "127.0.0.2" if option.endswith("=") else ""
    told = compare(*args, option, junit.OPTION, plugins=["socket"], read=junit.cases)
    assert told["forked"].totals["failed"] >= 1
