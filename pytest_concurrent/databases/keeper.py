"""The keeper: the process that owns every database client of a run; and how others talk to it."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
from pathlib import Path
from typing import Any, NoReturn

from pytest_concurrent import _engine
from pytest_concurrent.exceptions import (
    DatabaseCloneException,
    DatabaseRetryException,
    DatabaseTemplateException,
    PermissionException,
    ResourceException,
    UnsupportedDatabase,
)
from pytest_concurrent.fork import fork

#: Seconds beyond the wait that a request names itself within which an answer must come.
_PATIENCE = 30.0

#: Seconds within which anything but waiting and dropping is answered.
_PROMPT = 120.0

_KINDS: dict[str, type[DatabaseTemplateException]] = {
    "permission": PermissionException,
    "disk_full": ResourceException,
    "retries": DatabaseRetryException,
    "unsupported": UnsupportedDatabase,
}


class Door:
    """Where processes ask the keeper for a conversation; inherited by every process of the run.

    Args:
        pid: The keeper's process id.
        end: This side's end.
    """

    def __init__(self, pid: int, end: socket.socket) -> None:
        self.pid = pid
        self._end = end

    def enter(self, role: str, slot: int | None = None) -> Keeper:
        """Begin a conversation.

        Args:
            role: ``controller``, ``builder``, ``maker``, ``lender`` or ``worker``.
            slot: A worker's place.

        Raises:
            DatabaseTemplateException: The keeper is gone.
        """
        near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with far:
            try:
                socket.send_fds(self._end, [b"\n"], [far.fileno()])
            except OSError as error:
                near.close()
                raise DatabaseTemplateException(
                    f"the process that keeps the databases is gone: {error.strerror}"
                ) from error
        keeper = Keeper(near)
        keeper.request("hello", role=role, slot=slot)
        return keeper

    def fileno(self) -> int:
        """The descriptor of this side's end."""
        return self._end.fileno()

    def close(self) -> None:
        """Let go of it in this process."""
        self._end.close()


class Keeper:
    """A conversation with the keeper: one request at a time, each answered once.

    Args:
        end: A connected socket.
    """

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._lines = end.makefile("rb")
        self._owner = os.getpid()

    def request(self, op: str, *, wait: float = 0.0, **fields: Any) -> dict[str, Any]:
        """Ask, and wait for the answer.

        Args:
            op: What to do.
            wait: Seconds that the keeper may take because it waits for somebody else.
            fields: What the operation needs.

        Raises:
            DatabaseTemplateException: What went wrong, of the class that says what to do.
        """
        __tracebackhide__ = True  # settings with a password are among the fields
        answer: dict[str, Any] = self._ask(op, wait, fields)
        return answer

    def listed(self, op: str, **fields: Any) -> list[dict[str, Any]]:
        """Ask what is answered by a list."""
        answer: list[dict[str, Any]] = self._ask(op, 0.0, fields)
        return answer

    def _ask(self, op: str, wait: float, fields: dict[str, Any]) -> Any:
        __tracebackhide__ = True
        if wait:
            fields["wait"] = wait
        try:
            self._end.settimeout((wait or _PROMPT) + _PATIENCE)
            self._end.sendall(json.dumps({"op": op, **fields}).encode() + b"\n")
            line = self._lines.readline()
        except (OSError, ValueError) as error:
            self.close()
            raise _gone(op, str(error)) from error
        except BaseException:
            # Somebody broke in, a limit of a plugin or Ctrl-C: the answer that is still to come
            # must never be taken for that to another question.
            self.close()
            raise
        if not line:
            raise _gone(op, "it ended")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise _exception(answer["error"])
        return answer["ok"]

    def next_message(self) -> dict[str, Any] | None:
        """What the keeper says by itself to one who listens; None = it is gone."""
        self._end.settimeout(None)
        line = self._lines.readline()
        message: dict[str, Any] | None = json.loads(line) if line else None
        return message

    def say(self, message: dict[str, Any]) -> None:
        """Answer what the keeper asked."""
        self._end.sendall(json.dumps(message).encode() + b"\n")

    def fileno(self) -> int:
        """The descriptor, to wait for messages together with others."""
        return self._end.fileno()

    def release(self) -> None:
        """Let go of the conversation here; a forked child goes on with it."""
        self._lines.close()
        self._end.close()

    def close(self) -> None:
        """End the conversation; what it held is let go of. A forked copy is only let go of."""
        if os.getpid() == self._owner:
            with contextlib.suppress(OSError):
                self._end.shutdown(socket.SHUT_RDWR)
        self.release()


def start_keeper(
    journals: Path, run_id: str, *, max_retries: int = 0, retry_delay: float = 1.0
) -> Door:
    """Fork the keeper. To be called while this process has one thread.

    Args:
        journals: Folder, ours alone, where names are written down before they are made.
        run_id: The run's id.
        max_retries: How often something is tried again that others are in the way of; with 0 no
            server that is away is waited for.
        retry_delay: Seconds before the first of these attempts.
    """
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = fork()
    if pid == 0:
        near.close()
        _keep(far, journals, run_id, max_retries, retry_delay)
    far.close()
    return Door(pid, near)


def _keep(
    door: socket.socket, journals: Path, run_id: str, max_retries: int, retry_delay: float
) -> NoReturn:
    status = 1
    try:
        # Signals from the terminal and for the controller's group are not for it: it cleans up
        # after everybody else is gone.
        os.setpgid(0, 0)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            signal.signal(number, signal.SIG_IGN)
        descriptor = door.detach()
        hold_no_core()
        _let_go_of_all_but(descriptor)
        _engine.keep(descriptor, os.fspath(journals), run_id, max_retries, retry_delay)
        status = 0
    finally:
        os._exit(status)


def hold_no_core() -> None:
    """Leave no image of this process on a disk if it crashes: passwords are in it."""
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))


def _let_go_of_all_but(descriptor: int) -> None:
    """Whoever reads our output waits until the last process that could write has closed it.

    pytest's capture keeps copies of the standard descriptors under other numbers.
    """
    with open(os.devnull, "r+b") as null:
        for standard in (0, 1, 2):
            os.dup2(null.fileno(), standard)
    for inherited in map(int, os.listdir("/proc/self/fd")):
        if inherited > 2 and inherited != descriptor:
            with contextlib.suppress(OSError):  # the listing's own
                os.close(inherited)


def _gone(op: str, reason: str) -> DatabaseTemplateException:
    return DatabaseTemplateException(
        f"the process that keeps the databases did not answer ({op}): {reason}",
        hint="Run again; what it left on the server is dropped by then.",
    )


def _exception(error: dict[str, Any]) -> DatabaseTemplateException:
    kind = _KINDS.get(error.get("kind", ""), DatabaseCloneException)
    return kind(error.get("message", ""), hint=error.get("hint") or None)
