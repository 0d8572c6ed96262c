"""A run in a process of its own, what is done to it, and what it leaves."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

#: Carried by every process that a run starts, in the environment that it was born with.
MARK = "PYTEST_FAULT_SCENE"

#: In the temp folder: that of `tmp_path`, and the file by which Python tries whether it can write
#: there, which stays where a process is killed meanwhile.
_NOT_OURS = re.compile(r"pytest-of-.*|[a-z0-9_]{8}")

#: Seconds after which a run that should have ended is taken for hung. Generous: machines are busy.
PATIENCE = 120.0


@dataclass(frozen=True)
class Blow:
    """A signal from outside.

    Attributes:
        after: A file in the run's folder; the blow falls when it exists.
        target: `controller`, `zygote`, `spare`, or `group` for what a terminal's Ctrl-C reaches.
        signal: Which.
        pause: Seconds to wait after the file exists.
    """

    after: str
    target: str
    signal: signal.Signals
    pause: float = 0.1


@dataclass
class Aftermath:
    """What a run left.

    Attributes:
        exit: The exit status; negative for a signal.
        terminal: What it printed, standard output and error in one.
        seconds: How long it took.
        events: The event stream.
        cases: How often JUnit names each test, by the end of the node id.
        problems: How often JUnit has each kind of element below a test case.
    """

    exit: int = 0
    terminal: str = ""
    seconds: float = 0.0
    events: list[dict[str, object]] = field(default_factory=list)
    cases: Counter[str] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)

    @property
    def ending(self) -> str:
        """Why the run was over; empty if it never said."""
        ends = [one["ending"] for one in self.events if one["event"] == "run_finished"]
        return str(ends[-1]) if ends else ""

    @property
    def verdicts(self) -> list[tuple[str, str]]:
        """Each verdict of the stream, by the end of the node id."""
        finished = (one for one in self.events if one["event"] == "test_finished")
        return [(str(one["test"]).rpartition("::")[2], str(one["verdict"])) for one in finished]

    @property
    def deaths_outside_of_tests(self) -> int:
        """How many workers died while no test ran on them."""
        return sum(one["event"] == "worker_died" and "test" not in one for one in self.events)

    @property
    def totals(self) -> Counter[str]:
        """The numbers of pytest's last line, but for warnings."""
        words = {"error": "errors"}
        lines = re.findall(r"^=* ?(\d+ \w+(?:, \d+ \w+)*) in [\d.]+s", self.terminal, re.MULTILINE)
        pairs = re.findall(r"(\d+) (\w+)", lines[-1] if lines else "")
        numbers = Counter({words.get(word, word): int(count) for count, word in pairs})
        del numbers["warnings"], numbers["warning"]
        return numbers


def _lead_session() -> None:
    os.setsid()


class Scene:
    """Where a run takes place.

    Args:
        folder: Its working folder, with the suite.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.temp = folder / "tmp"
        self.temp.mkdir(exist_ok=True)
        #: Words before the command: what makes the surroundings.
        self.prefix: list[str] = []
        self._id = uuid.uuid4().hex
        self._events = folder / "events.jsonl"
        self._junit = folder / "junit.xml"

    def run(self, *options: str, blows: tuple[Blow, ...] = ()) -> Aftermath:
        """Run the suite to its end, and strike on the way."""
        for old in (self._events, self._junit):
            old.unlink(missing_ok=True)
        began = time.monotonic()
        output = self.folder / "terminal.txt"
        with output.open("wb") as file:
            process = self.start(*options, stdout=file.fileno())
            try:
                for blow in blows:
                    self._strike(process, blow)
                status = process.wait(PATIENCE)
            finally:
                process.kill()
                process.wait()
        result = self.told()
        result.exit, result.seconds = status, time.monotonic() - began
        result.terminal = output.read_text(errors="replace")
        return result

    def told(self) -> Aftermath:
        """What stands in the files that a run writes."""
        result = Aftermath()
        result.events = list(self._read_events())
        if self._junit.exists():
            # pytest leaves an entry without a name for a test that broke the run off.
            for case in ET.parse(self._junit).iterfind(".//testcase[@name]"):
                result.cases[str(case.get("name"))] += 1
                result.problems.update(child.tag for child in case)
        return result

    def start(
        self,
        *options: str,
        stdout: int | IO[bytes] = subprocess.PIPE,
        files: bool = True,
        prepare: Callable[[], None] = _lead_session,
    ) -> subprocess.Popen[bytes]:
        """Start the suite, with no other plugin.

        Args:
            options: Command line.
            stdout: Where standard output and error go.
            files: Whether events and JUnit are written.
            prepare: Called in the new process.
        """
        command = [sys.executable, "-m", "pytest", "-p", "pytest_concurrent.plugin", "--concurrent"]
        if files:
            command += [f"--concurrent-events={self._events}", f"--junitxml={self._junit}"]
        environment = {
            **os.environ,
            MARK: self._id,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "TMPDIR": str(self.temp),
        }

        def begin() -> None:
            # Under nohup or in the background these tests have some of them ignored, and so would
            # what is started here.
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            prepare()

        return subprocess.Popen(
            [*self.prefix, *command, *options],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            preexec_fn=begin,  # noqa: PLW1509 - this process has no threads
        )

    def await_file(self, name: str) -> None:
        """Wait until the run has made a file."""
        if not eventually((self.folder / name).exists, PATIENCE):
            raise TimeoutError(f"{name} never came to be")

    def zygotes(self, controller: int) -> list[int]:
        """The zygote and its spare, whichever live."""
        workers = {one["pid"] for one in self._read_events() if one["event"] == "worker_started"}
        family = [pid for pid in self.alive() if pid not in workers and pid != controller]
        first = [pid for pid in family if _parent(pid) == controller]
        return [*first, *(pid for pid in family if _parent(pid) in first)]

    def workers(self) -> list[int]:
        """Process ids of every worker so far."""
        started = (one for one in self._read_events() if one["event"] == "worker_started")
        return [int(str(one["pid"])) for one in started]

    def alive(self) -> list[int]:
        """Every process that the run started or is, and that is not yet dead."""
        others = (pid for pid in _processes() if pid != os.getpid())
        return [pid for pid in others if self._is_ours(pid) and not _is_zombie(pid)]

    def leftovers(self) -> list[str]:
        """What is in the temp folder beside pytest's own, and Python's."""
        return [one.name for one in self.temp.iterdir() if not _NOT_OURS.fullmatch(one.name)]

    def _is_ours(self, pid: int) -> bool:
        try:
            if f"{MARK}={self._id}".encode() in Path(f"/proc/{pid}/environ").read_bytes():
                return True
            return Path(f"/proc/{pid}/cwd").readlink().is_relative_to(self.folder)
        except OSError:
            return False

    def _strike(self, process: subprocess.Popen[bytes], blow: Blow) -> None:
        self.await_file(blow.after)
        time.sleep(blow.pause)
        if blow.target == "group":
            os.killpg(process.pid, blow.signal)
        elif blow.target == "controller":
            process.send_signal(blow.signal)
        else:
            index = ["zygote", "spare"].index(blow.target)
            os.kill(self.zygotes(process.pid)[index], blow.signal)

    def _read_events(self) -> Iterator[dict[str, object]]:
        if self._events.exists():
            for line in self._events.read_text(errors="replace").splitlines():
                if line.endswith("}"):
                    yield json.loads(line)


def eventually(is_so: Callable[[], bool], patience: float) -> bool:
    """Whether something comes true in time."""
    until = time.monotonic() + patience
    while not is_so():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def _processes() -> Iterator[int]:
    return (int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit())


def _stat(pid: int) -> list[str]:
    """State, parent and so on: the fields after the name."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["Z", "0"]


def _parent(pid: int) -> int:
    return int(_stat(pid)[1])


def _is_zombie(pid: int) -> bool:
    return _stat(pid)[0] in "ZX"
