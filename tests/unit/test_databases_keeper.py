"""A conversation with the keeper keeps step, whatever breaks in; its process keeps nothing open."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_concurrent.databases.keeper import Door, Keeper, start_keeper
from pytest_concurrent.exceptions import (
    DatabaseCloneException,
    DatabaseTemplateException,
    UnsupportedDatabase,
    WorkerRetryException,
)

TEMPLATE = {"alias": "default", "fingerprint": "f"}


class AlarmError(Exception):
    """What a plugin raises when a limit has passed."""


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    door = start_keeper(tmp_path / "journals", "0123456789abcdef")
    yield door
    door.close()
    assert os.waitstatus_to_exitcode(os.waitpid(door.pid, 0)[1]) == 0


def test_answer_to_a_broken_off_request_is_never_taken_for_another(door: Door) -> None:
    keeper = door.enter("worker", slot=0)

    def ring(*_: object) -> None:
        raise AlarmError

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(AlarmError):
            keeper.request("clone", wait=3.0, **TEMPLATE)
    finally:
        signal.signal(signal.SIGALRM, before)
    with pytest.raises(DatabaseTemplateException, match="did not answer"):
        keeper.request("status")


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("unsupported", UnsupportedDatabase),
        ("retries", WorkerRetryException),
        ("retries", DatabaseCloneException),
    ],
)
def test_refusal_is_of_the_class_that_says_what_to_do(
    door: Door, kind: str, error: type[DatabaseTemplateException]
) -> None:
    maker = door.enter("maker")
    maker.request("announce", clones=1, **TEMPLATE)  # type: ignore[arg-type]
    fields = {"kind": kind, "message": "no way", "hint": "Go on.", **TEMPLATE}
    maker.request("fail", **fields)  # type: ignore[arg-type]
    worker = door.enter("worker", slot=0)
    with pytest.raises(error, match="no way") as caught:
        worker.request("clone", wait=5.0, **TEMPLATE)
    assert caught.value.hint == "Go on."
    maker.close()
    worker.close()


def test_keeper_that_is_gone_is_a_sentence(tmp_path: Path) -> None:
    door = start_keeper(tmp_path / "journals", "0123456789abcdef")
    os.kill(door.pid, signal.SIGKILL)
    os.waitpid(door.pid, 0)
    with pytest.raises(DatabaseTemplateException, match="keeps the databases"):
        door.enter("controller")
    door.close()


def test_keeper_holds_no_pipe_of_the_controller(tmp_path: Path) -> None:
    """A reader of pytest's output must not wait for the keeper."""
    reader, writer = os.pipe()
    door = start_keeper(tmp_path / "journals", "0123456789abcdef")
    os.close(writer)
    keeper = door.enter("controller")  # by now it has let go
    os.set_blocking(reader, False)
    assert os.read(reader, 1) == b""
    os.close(reader)
    keeper.close()
    door.close()
    os.waitpid(door.pid, 0)


def test_forked_copy_of_a_conversation_ends_nothing() -> None:
    near, far = socket.socketpair()
    keeper = Keeper(near)
    pid = os.fork()
    if pid == 0:
        keeper.close()
        os._exit(0)
    os.waitpid(pid, 0)
    far.setblocking(False)
    with pytest.raises(BlockingIOError):
        far.recv(1)
    keeper.close()
    assert far.recv(1) == b""
    far.close()
