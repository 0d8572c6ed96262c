"""Copies of the project in `tests/django_project`, and runs of their tests."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

SOURCE = Path(__file__).resolve().parents[1] / "django_project" / "project"
#: Seconds after which a run that should have ended is taken for hung; 6 were measured.
PATIENCE = 180.0
#: Seconds that a run which is told to end by SIGTERM may take for it.
FAREWELL = 15.0
# What would change the runs, or belongs to the run that we are part of.
_FOREIGN = ("PYTEST", "DJANGO_", "SHOP_", "PG", "MYSQL_", "CONCURRENT_", "COV_")
_MARKS = {"failure": "failed", "error": "error", "skipped": "skipped"}


@dataclass(frozen=True)
class Result:
    """What became of a run.

    Attributes:
        code: Exit code; negative if a signal ended it.
        outcomes: For each test, as `tests/test_x.py::test_y` in the order of the file, `passed`,
            `failed`, `error`, `skipped` or `xfailed`; empty if there is no JUnit file.
        output: What it wrote to the terminal, errors among it.
        seconds: How long it took.
    """

    code: int
    outcomes: Mapping[str, str]
    output: str = field(repr=False)
    seconds: float = field(compare=False)

    @property
    def counts(self) -> dict[str, int]:
        """How many tests had each outcome."""
        return dict(Counter(self.outcomes.values()))


@dataclass
class Running:
    """A run that has been started.

    Attributes:
        process: The controller; leader of a session, to which all it starts belong.
    """

    process: subprocess.Popen[bytes]
    _terminal: Path
    _junit: Path
    _began: float

    @property
    def output(self) -> str:
        """What it has written so far."""
        return self._terminal.read_text(encoding="utf-8", errors="replace")

    def wait(self, seconds: float = PATIENCE) -> Result:
        """Wait for its end; a run that is hung is ended, and that is an error.

        Raises:
            AssertionError: It took too long; with what it wrote.
        """
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.end()
            raise AssertionError(f"no end within {seconds:g} s:\n{self.output}") from None
        taken = time.monotonic() - self._began
        return Result(self.process.returncode, outcomes(self._junit), self.output, taken)

    def end(self) -> None:
        """Politely first; then with everything of its group."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(FAREWELL)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()


class Project:
    """A copy of the project, to be edited and run.

    Attributes:
        path: Its folder.
        environment: Of its processes, besides what is harmless of our own.
    """

    def __init__(self, path: Path, environment: Mapping[str, str]) -> None:
        self.path = path
        shutil.copytree(SOURCE, path, ignore=shutil.ignore_patterns("__pycache__", "*.sqlite3"))
        self.environment = dict(environment)
        self._runs: list[Running] = []

    def run(
        self, *args: str, environment: Mapping[str, str] | None = None, seconds: float = PATIENCE
    ) -> Result:
        """Run `python -m pytest` with some arguments and wait for it."""
        return self.start(*args, environment=environment).wait(seconds)

    def start(self, *args: str, environment: Mapping[str, str] | None = None) -> Running:
        """Start `python -m pytest` with some arguments; it is ended when the test is over."""
        number = len(self._runs)
        junit = self.path / f"junit-{number}.xml"
        terminal = self.path / f"terminal-{number}.txt"
        command = [sys.executable, "-m", "pytest", f"--junitxml={junit}", *args]
        with terminal.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=self.path,
                env={**surroundings(), **self.environment, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        running = Running(process, terminal, junit, time.monotonic())
        self._runs.append(running)
        return running

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace a part of a file, which has to be there exactly once."""
        path = self.path / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {file}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def write(self, file: str, text: str) -> None:
        """Make a file, or make it anew."""
        path = self.path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def close(self) -> None:
        """End the runs that nobody waited for."""
        for running in self._runs:
            running.end()


def surroundings() -> dict[str, str]:
    """The variables that a run inherits from us."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(_FOREIGN)}
    # A third of a small run's time would be the import of a plugin that the project does not use.
    # Its own bytecode would be that of the file before an edit within the same second.
    added = {"PYTEST_ADDOPTS": "-p no:hypothesispytest", "PYTHONDONTWRITEBYTECODE": "1"}
    return {**kept, **added, "PYTHONHASHSEED": "0"}


def outcomes(junit: Path) -> dict[str, str]:
    """What became of each test, as a JUnit file says it."""
    if not junit.exists():
        return {}
    found: dict[str, str] = {}
    for case in ElementTree.parse(junit).iter("testcase"):
        test = _node(case.get("classname", ""), case.get("name", ""))
        # A test whose teardown fails too has two entries; the worse one counts.
        if found.get(test, "passed") == "passed":
            found[test] = _outcome(case)
    return found


def _outcome(case: ElementTree.Element) -> str:
    for child in case:
        if child.tag == "skipped" and child.get("type") == "pytest.xfail":
            return "xfailed"
        if child.tag in _MARKS:
            return _MARKS[child.tag]
    return "passed"


def _node(classname: str, name: str) -> str:
    """JUnit's names as pytest writes them; classes begin with a capital, modules do not."""
    parts = classname.split(".")
    modules = [part for part in parts if not part[:1].isupper()]
    return "::".join(["/".join(modules) + ".py", *parts[len(modules) :], name])
