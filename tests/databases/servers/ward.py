"""Our end of a warden: the process that runs a server for us and clears up after both."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .errors import ServerError

_PROGRAM = Path(__file__).with_name("warden.py")
#: Seconds that an answer may take beyond what the request itself may take, and that ending the
#: server and removing its folder may take; on a busy disk 8 were measured.
_SLACK = 60.0
#: A socket's path has at most 107 characters; below this there is room for its name.
_LONGEST_FOLDER = 70


class Ward:
    """A folder, and the programs that run in it.

    Attributes:
        folder: Where the server lives; empty at first, and removed at the end.
        user: System user that the programs run as, None for our own.
    """

    def __init__(self, name: str, user: str, farewell: signal.Signals) -> None:
        # No server of the two runs as root.
        self.user = user if os.geteuid() == 0 else None
        self.folder = _folder(name)
        if self.user is not None:
            shutil.chown(self.folder, self.user)
        self._log = self.folder / "log"
        command = [str(os.getpid()), str(self.folder), str(int(farewell))]
        self._warden = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_PROGRAM), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Neither Ctrl-C nor the end of a worker's group is meant for it.
            start_new_session=True,
        )

    def run(
        self, program: Sequence[str | Path], seconds: float, environment: Mapping[str, str] = {}
    ) -> None:
        """Run a program to its end.

        Raises:
            ServerError: It failed; with the end of what it said.
        """
        answer = self._ask("run", seconds, **self._how(program, environment), seconds=seconds)
        if answer["code"] != 0:
            raise ServerError(f"{program[0]} ended with {answer['code']}:\n{self.log()}")

    def start(self, program: Sequence[str | Path], environment: Mapping[str, str] = {}) -> int:
        """Start the server; its process id."""
        return int(self._ask("start", 0, **self._how(program, environment))["pid"])

    def end(self, number: signal.Signals, seconds: float) -> bool:
        """Send the server a signal and wait; whether it was gone in time (it is gone anyhow)."""
        return bool(self._ask("end", seconds, signal=int(number), seconds=seconds)["ended"])

    def alive(self) -> bool:
        """Whether the server runs."""
        return bool(self._ask("look", 0)["alive"])

    def log(self) -> str:
        """The last lines that the programs wrote."""
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        return "\n".join(lines[-20:])

    def close(self) -> None:
        """End the server, and see its folder removed."""
        assert self._warden.stdin is not None
        assert self._warden.stdout is not None
        self._warden.stdin.close()
        try:
            self._warden.wait(_SLACK)
        except subprocess.TimeoutExpired:
            # It goes on with what it does; killed, it would leave the rest of the folder.
            raise ServerError(f"{self.folder} is still there after {_SLACK:g} s") from None
        finally:
            self._warden.stdout.close()

    def _how(self, program: Sequence[str | Path], environment: Mapping[str, str]) -> dict[str, Any]:
        return {
            "program": [str(word) for word in program],
            "user": self.user,
            "log": str(self._log),
            "environment": dict(environment),
        }

    def _ask(self, what: str, patience: float, **more: object) -> dict[str, Any]:
        assert self._warden.stdin is not None
        assert self._warden.stdout is not None
        try:
            self._warden.stdin.write(json.dumps({"do": what, **more}).encode() + b"\n")
            self._warden.stdin.flush()
            ready, _, _ = select.select([self._warden.stdout], [], [], patience + _SLACK)
            line = self._warden.stdout.readline() if ready else b""
        except OSError as error:
            raise ServerError(f"the warden of {self.folder} is gone: {error}") from error
        if not line:
            raise ServerError(f"the warden of {self.folder} does not answer")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise ServerError(f"{what}: {answer['error']}\n{self.log()}")
        return answer


def _folder(name: str) -> Path:
    """A new folder whose path is short enough for a socket in it."""
    usual = tempfile.gettempdir()
    parent = usual if len(usual) <= _LONGEST_FOLDER else "/tmp"
    return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=parent))
