"""One suite run in each mode, each time in a fresh copy of its folder."""

from __future__ import annotations

import difflib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from pprint import pformat
from typing import Any, Protocol

import pytest

#: A run that takes so many seconds hangs.
PATIENCE = 120

#: How a suite is run, by name.
MODES: dict[str, tuple[str, ...]] = {
    "sequential": (),
    "forked": ("--concurrent", "--workers=2", "--concurrent-start=fork"),
    "spawned": ("--concurrent", "--workers=2", "--concurrent-start=spawn"),
}

WORKERS = [name for name in MODES if name != "sequential"]

#: Variables that would reach into the runs.
_FOREIGN = ("PYTEST_", "COV_", "COVERAGE_", "DJANGO_", "CI", "BUILD_NUMBER")


@dataclass(frozen=True)
class Told:
    """What a run said and left.

    Attributes:
        code: Exit code.
        totals: Outcomes and how many tests had them, from the last line.
        read: What `read` made of the folder afterwards.
        folder: Where it ran.
        text: Everything on the terminal, and on stderr behind it.
    """

    code: int
    totals: Mapping[str, int]
    read: Any
    folder: Path = field(compare=False)
    text: str = field(compare=False, repr=False)


class Compare(Protocol):
    """As `Runner.compare`."""

    def __call__(
        self,
        *args: str,
        plugins: Sequence[str] = (),
        read: Callable[[Path], Any] | None = None,
        modes: Sequence[str] = tuple(MODES),
        env: Mapping[str, str] | None = None,
    ) -> dict[str, Told]:
        """Returns what the runs told, by mode."""


class Runner:
    """Runs copies of a suite.

    Args:
        suite: The folder of the suite.
        python: The interpreter that runs it.
    """

    def __init__(self, suite: Path, python: Path) -> None:
        self._suite = suite
        self._python = python
        self._count = 0

    def run(
        self,
        mode: str,
        *args: str,
        plugins: Sequence[str] = (),
        read: Callable[[Path], Any] | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Told:
        """Run the suite once.

        Args:
            mode: A name of `MODES`.
            args: For pytest.
            plugins: Names of entry points; no other plugin is loaded but ours.
            read: Reads, of the folder, what is to be the same in all modes.
            env: Variables.
        """
        self._count += 1
        # Every run has its folder in one place, because names of files are part of what is read.
        place = self._suite.with_name(f"{self._suite.name}-run")
        shutil.copytree(self._suite, place)
        loaded = [f"-p{name}" for name in (*plugins, "pytest_concurrent")]
        result = subprocess.run(
            [self._python, "-m", "pytest", *loaded, *MODES[mode], *args],
            cwd=place,
            env=_environment() | dict(env or {}),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        folder = place.rename(place.with_name(f"{place.name}-{self._count}-{mode}"))
        lines = result.stdout.splitlines()
        try:
            totals = pytest.RunResult.parse_summary_nouns(lines)
        except ValueError:  # no last line: the run ended in an error of usage
            totals = {}
        found = read(folder) if read is not None else None
        return Told(result.returncode, totals, found, folder, result.stdout + result.stderr)

    def compare(
        self,
        *args: str,
        plugins: Sequence[str] = (),
        read: Callable[[Path], Any] | None = None,
        modes: Sequence[str] = tuple(MODES),
        env: Mapping[str, str] | None = None,
    ) -> dict[str, Told]:
        """Run the suite in each of `modes`, and assert that totals, exit code and files agree.

        The other arguments are those of `run`.
        """
        told = {mode: self.run(mode, *args, plugins=plugins, read=read, env=env) for mode in modes}
        first = told[modes[0]]
        for mode in modes[1:]:
            if told[mode] != first:
                print(f"{modes[0]}:\n{first.text}\n{mode}:\n{told[mode].text}")
                pytest.fail("\n".join(_differences(first, told[mode], (modes[0], mode))))
        return told


def _differences(first: Told, other: Told, names: tuple[str, str]) -> Iterable[str]:
    def lines(told: Told) -> list[str]:
        return pformat([told.code, told.totals, told.read], width=100).splitlines()

    return difflib.unified_diff(lines(first), lines(other), *names, n=1, lineterm="")


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    # Some plugins look whether they are coloured; some suites print sets.
    return kept | {
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONHASHSEED": "0",
        "COLUMNS": "120",
        "NO_COLOR": "1",
    }
