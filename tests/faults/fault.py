"""One way in which a run can go wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from textwrap import dedent
from typing import Any

import pytest

from .scene import Blow

_IMPORTS = """\
import atexit, ctypes, functools, itertools, mmap, os, re, resource, select, signal, socket
import subprocess, sys, tempfile, threading, time
from pathlib import Path
import pytest
HERE = Path(__file__).parent
# As long as a module is imported: a forked worker imports nothing anew.
SPAWNED = "PYTEST_XDIST_WORKER" in os.environ
CONTROLLER = os.getppid() if SPAWNED else os.getpid()
"""

#: Stands beside each faulty suite: what is well must stay well.
OTHERS = """\
import time
import pytest
@pytest.mark.parametrize("number", range(6))
def test_other(number): time.sleep(0.01)
"""

_OTHER_NAMES = tuple(f"test_other[{number}]" for number in range(6))


@dataclass(frozen=True)
class Fault:
    """One way to go wrong.

    Attributes:
        name: What happens.
        suite: The faulty tests.
        expected: The verdict of each; `passed|not_run` where chance decides.
        exit: Exit status of the run.
        texts: Patterns that the terminal must show.
        options: Command line.
        conftest: A conftest file.
        modules: Further test files, by name.
        blows: What falls on the run from outside.
        others: The verdict of the tests that have nothing to do with it.
        errors: Errors that belong to no test's own verdict, as pytest counts them; None = as many
            as workers died outside of tests.
        reruns: Attempts that a plugin asked for after a worker had died; each is told by itself.
        is_reported: Whether the run lives to report.
        may_trace: Whether the terminal may show a traceback as Python prints it.
        workers: How many forked workers to try it with; none where it is about spawned ones.
        spawned: How many spawned workers to try it with.
        fork_only: Why it is not tried with spawned ones; empty = it is.
        is_slow: Whether it takes more than a few seconds.
    """

    name: str
    suite: str
    expected: dict[str, str]
    exit: int = 1
    texts: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    conftest: str = ""
    modules: Mapping[str, str] = field(default_factory=dict)
    blows: tuple[Blow, ...] = ()
    others: str = "passed"
    errors: int | None = 0
    reruns: int = 0
    is_reported: bool = True
    may_trace: bool = False
    workers: tuple[int, ...] = (1, 2)
    spawned: tuple[int, ...] = (2,)
    fork_only: str = ""
    is_slow: bool = False

    @property
    def sources(self) -> dict[str, str]:
        """The faulty test files, by name."""
        modules = {"test_fault": self.suite, **self.modules}
        return {name: _IMPORTS + dedent(text) for name, text in modules.items()}

    @property
    def conftest_source(self) -> str:
        """The conftest file."""
        return _IMPORTS + dedent(self.conftest)

    @property
    def verdicts(self) -> dict[str, str]:
        """What is expected of every test."""
        return {**self.expected, **dict.fromkeys(_OTHER_NAMES, self.others)}

    @property
    def ways_to_start(self) -> list[tuple[str, int]]:
        """Each way for workers to start, and how many there are."""
        spawned = () if self.fork_only else self.spawned
        return [("fork", count) for count in self.workers] + [("spawn", count) for count in spawned]

    @property
    def marks(self) -> list[Any]:
        """For pytest's parameter."""
        return [pytest.mark.slow] if self.is_slow else []


#: Why spawned workers have no part in a row.
ZYGOTE = "it is about the process that forks workers, and nobody forks those that are spawned"

#: Dies as if killed by the kernel.
DIE = "os.kill(os.getpid(), signal.SIGKILL)"
