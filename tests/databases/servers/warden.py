"""A program that runs one database server and outlives nobody: `warden.py OWNER FOLDER FAREWELL`.

It obeys lines of JSON on its input and answers each with one on its output. When its input ends or
OWNER, the process that started it, is gone (whichever is noticed first), it sends the server the
signal FAREWELL, then kills whatever is left of it, and removes FOLDER.

A process and not a finalizer, because a test process may be killed by SIGKILL. And no
parent-death signal alone, because nobody would then remove the folder, and because PostgreSQL's
own children each lead a session, so that no group holds them all: only a subreaper finds them.
It imports nothing of the project and is started with -I -S, so that it is there in 50 ms.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
#: Seconds for a server to end by itself; PostgreSQL takes 0.1, MariaDB is killed at once.
FAREWELL_SECONDS = 5.0
#: Seconds for killed processes to be gone; a machine that swaps needs some.
KILLED_SECONDS = 10.0

Request = dict[str, Any]


class OwnerGoneError(Exception):
    """Nobody wants the server any more."""


class Warden:
    """Runs the programs it is told to."""

    def __init__(self, owner: int, folder: Path, farewell: int) -> None:
        self._folder = folder
        self._farewell = farewell
        self._owner = os.pidfd_open(owner)
        if os.getppid() != owner:
            raise OwnerGoneError
        self._libc = ctypes.CDLL(None)
        self._libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self._server: subprocess.Popen[bytes] | None = None

    def serve(self) -> None:
        """Obey until the owner is gone."""
        pending = b""
        while True:
            self._wait(0, seconds=None)
            read = os.read(0, 65536)
            if not read:
                raise OwnerGoneError
            *lines, pending = (pending + read).split(b"\n")
            for line in lines:
                sys.stdout.write(json.dumps(self._obey(json.loads(line))) + "\n")
                sys.stdout.flush()

    def _obey(self, request: Request) -> Request:
        try:
            if request["do"] == "run":
                return self._run(request)
            if request["do"] == "start":
                self._server = self._spawn(request)
                return {"pid": self._server.pid}
            if request["do"] == "end":
                return {"ended": self._end(request["signal"], request["seconds"])}
            return {"alive": self._server is not None and self._server.poll() is None}
        except OSError as error:
            return {"error": str(error)}

    def _run(self, request: Request) -> Request:
        """A program that makes something and ends."""
        program = self._spawn(request)
        if not self._ended(program, request["seconds"]):
            program.kill()
            program.wait()
            return {"error": f"still not done after {request['seconds']} s"}
        return {"code": program.returncode}

    def _spawn(self, request: Request) -> subprocess.Popen[bytes]:
        user: str | None = request["user"]
        environment = {**os.environ, **request.get("environment", {})}
        with open(request["log"], "ab") as log:
            return subprocess.Popen(
                request["program"],
                user=user,
                group=user,
                extra_groups=None if user is None else [],
                cwd=self._folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=self._follow_warden,  # noqa: PLW1509 - there is one thread
            )

    def _follow_warden(self) -> None:
        """Should even the warden be killed, the server hears of it."""
        self._libc.prctl(PR_SET_PDEATHSIG, self._farewell, 0, 0, 0)

    def _end(self, number: int, seconds: float) -> bool:
        """Signal the server, and see that none of its processes is left."""
        if self._server is None:
            return True
        if self._server.poll() is None:
            self._server.send_signal(number)
            in_time = self._ended(self._server, seconds)
        else:
            in_time = True
        kill_descendants()
        self._server.wait()
        self._server = None
        return in_time

    def _ended(self, program: subprocess.Popen[bytes], seconds: float) -> bool:
        if program.poll() is not None:
            return True
        descriptor = os.pidfd_open(program.pid)
        try:
            self._wait(descriptor, seconds)
        finally:
            os.close(descriptor)
        return program.poll() is not None

    def _wait(self, descriptor: int, seconds: float | None) -> None:
        """Until it is readable or time is up; the owner's end is an exception."""
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        poll.register(self._owner, select.POLLIN)
        events = poll.poll(None if seconds is None else seconds * 1000)
        if any(ready == self._owner for ready, _ in events):
            raise OwnerGoneError

    def leave(self) -> None:
        """End the server and remove its folder, without looking at the owner."""
        server = self._server
        if server is not None and server.poll() is None:
            server.send_signal(self._farewell)
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(FAREWELL_SECONDS)
        kill_descendants()
        release_shared_memory(self._folder)
        shutil.rmtree(self._folder, ignore_errors=True)


def kill_descendants() -> None:
    """End what is left: as a subreaper this process is the parent of every orphan of the server."""
    end = time.monotonic() + KILLED_SECONDS
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    while (left := children.read_text().split()) and time.monotonic() < end:
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.005)


def release_shared_memory(folder: Path) -> None:
    """A PostgreSQL that was killed leaves a System V segment; its pid file's 7th line names it."""
    for pid_file in folder.glob("*/postmaster.pid"):
        words = [line.split() for line in pid_file.read_text().splitlines()[6:7]]
        for _key, segment in (found for found in words if len(found) == 2):
            subprocess.run(["ipcrm", "-m", segment], capture_output=True, check=False)


def main() -> None:
    """See the module."""
    owner, folder, farewell = sys.argv[1:]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)  # the owner decides, by living
    warden = None
    try:
        warden = Warden(int(owner), Path(folder), int(farewell))
        warden.serve()
    except (OwnerGoneError, BrokenPipeError, ProcessLookupError):
        pass
    finally:
        if warden is not None:
            warden.leave()
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
