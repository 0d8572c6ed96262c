"""Somebody at a terminal: a program on a pseudo-terminal, keys typed, and what appears."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

#: Seconds after which what is expected does not appear any more. Generous: machines are busy.
PATIENCE = 40.0
#: Seconds after which somebody presses a key again that seems to have done nothing.
IMPATIENCE = 2.0


class Keyboard:
    """Runs a program as the leader of a session of its own, with a controlling terminal.

    Args:
        command: What to run.
        folder: Where.
        environment: Its environment.
    """

    def __init__(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str]
    ) -> None:
        self._near, far = pty.openpty()

        def take_terminal() -> None:
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env={**environment, "TERM": "dumb", "INPUTRC": os.devnull, "COLUMNS": "80"},
            stdin=far,
            stdout=far,
            stderr=far,
            preexec_fn=take_terminal,  # noqa: PLW1509 - this process has no threads
        )
        os.close(far)
        #: Everything that has appeared.
        self.screen = ""
        self._read = 0

    def __enter__(self) -> Keyboard:
        """Nothing more."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Whatever has happened, the program ends: its terminal hangs up."""
        os.close(self._near)
        self._process.kill()
        self._process.wait()

    def await_text(self, text: str, patience: float = PATIENCE) -> str:
        """Wait until a text appears behind what was awaited before; what came before it."""
        until = time.monotonic() + patience
        while (found := self.screen.find(text, self._read)) < 0:
            if not self._look(until - time.monotonic()):
                raise AssertionError(f"{text!r} does not appear in:\n{self.screen[self._read :]}")
        before, self._read = self.screen[self._read : found], found + len(text)
        return before

    def type(self, keys: str) -> None:
        """Press keys; those that a terminal acts upon as well."""
        os.write(self._near, keys.encode())

    def press_until(self, keys: str, text: str) -> None:
        """Press keys until a text appears, and again where they had no effect.

        An interrupt between Python's prompt and its wait for input is noticed with the next key:
        `readline_until_enter_or_signal` of CPython has that gap.
        """
        until = time.monotonic() + PATIENCE
        while True:
            self.type(keys)
            with suppress(AssertionError):
                self.await_text(text, min(IMPATIENCE, until - time.monotonic()))
                return
            if time.monotonic() > until:
                raise AssertionError(f"{keys!r} does not bring up {text!r}:\n{self.screen}")

    def ask(self, line: str, answer: str) -> None:
        """Type a line at a debugger's prompt, and await what it answers and the next prompt."""
        self.type(f"{line}\n")
        self.await_text(answer)
        self.await_text("(Pdb) ")

    def echoes(self) -> bool:
        """Whether the terminal shows what is typed, as it does outside of prompts."""
        return bool(termios.tcgetattr(self._near)[3] & termios.ECHO)

    def end(self) -> int:
        """Wait for the program's end; its exit status."""
        until = time.monotonic() + PATIENCE
        while self._look(until - time.monotonic()):
            pass
        return self._process.wait(PATIENCE)

    def signal(self, number: signal.Signals) -> None:
        """Send the program a signal."""
        self._process.send_signal(number)

    def _look(self, patience: float) -> bool:
        """Read what appears; false when nothing does in time, or nothing can any more."""
        ready, _, _ = select.select([self._near], [], [], max(0.0, patience))
        try:
            came = os.read(self._near, 65536) if ready else b""
        except OSError:  # nobody is left at the other end
            return False
        self.screen += came.decode(errors="replace").replace("\r\n", "\n")
        return bool(came)
