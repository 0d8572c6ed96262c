"""Run a suite again and again while workers and zygotes are killed and stopped at random.

    python benchmarks/chaos.py --minutes 60 OUT
    python benchmarks/chaos.py --seconds 20 --tests 2000 --seed 7 OUT
    python benchmarks/chaos.py --minutes 10 --tests 2000 --start spawn OUT

Each run is checked: one verdict for each test in the terminal, in JUnit and in the events; only
those died whom this program killed; serial tests ran alone; the exit status fits; no process and
no file is left; and the next run, undisturbed, works. It stops at the first violation (exit code
1) and keeps in `OUT/violation` what is needed to see what happened.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random, SystemRandom

from soak import aftermath, suite
from soak.aftermath import Aftermath
from soak.family import MARK, Family
from soak.invariants import violations
from soak.monkey import Monkey, choose_plan

#: A run that takes longer hangs. An undisturbed one takes some 10 s.
PATIENCE = 900.0

#: Processes may take so long to be gone after the controller has ended, in seconds.
GONE = 5.0

_LARGEST_SEED = 2**32
_MOST_WORKERS = 8
_OURS = ".chaos"
#: In the temp folder: that of `tmp_path`, and the file by which Python tries whether it can write
#: there, which stays where a process is killed meanwhile.
_NOT_OURS = re.compile(r"pytest-of-.*|[a-z0-9_]{8}")
_PROJECT = {".pytest_cache", "__pycache__"}


@dataclass
class Tally:
    """What was done and found over all runs."""

    runs: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    deeds: Counter[str] = field(default_factory=Counter)
    longest_end: float = 0.0

    def add(self, run: Aftermath, monkey: Monkey) -> None:
        """One more run."""
        self.runs += 1
        self.verdicts.update(_verdicts(run))
        self.deeds.update(" ".join(deed.what.split()[:2]) for deed in monkey.deeds)
        self.longest_end = max(self.longest_end, run.last_silence)

    def __str__(self) -> str:
        verdicts = ", ".join(f"{count} {name}" for name, count in sorted(self.verdicts.items()))
        deeds = ", ".join(f"{what} {count} times" for what, count in sorted(self.deeds.items()))
        return (
            f"{self.runs} runs; {deeds}\n{self.verdicts.total()} verdicts: {verdicts}\n"
            f"the longest end after the last event: {self.longest_end:.2f} s"
        )


class Soak:
    """A suite in a folder, run again and again.

    Args:
        out: The folder.
        tests: About how many.
        seed: Of the suite.
        start: How workers start.
    """

    def __init__(self, out: Path, tests: int, seed: int, start: str) -> None:
        self._start_method = start
        self._out = out.resolve()
        _make_room(self._out)
        self._suite = self._out / "suite"
        self._place = self._out / "run"
        self.tests = suite.write(self._suite, tests, seed)

    def run(self, seed: int) -> tuple[Aftermath, Monkey, list[str]]:
        """One run, disturbed as the seed says; what it left, what was done, what is wrong."""
        random = Random(seed)
        plan, workers = choose_plan(random, self._start_method), random.randint(1, _MOST_WORKERS)
        self._clear()
        words = (f"--workers={workers}", *plan.options)
        process, family = self._start(*words)
        monkey = Monkey(plan, family, process.pid, random)
        began = time.monotonic()

        def wait(seconds: float) -> bool:
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                return time.monotonic() - began > PATIENCE
            return True

        try:
            monkey.disturb(wait)
            seconds, ended_at, status = time.monotonic() - began, time.time(), process.poll()
            found = self._remains(family) if status is not None else ["it does not end"]
        finally:
            self._end(process, family)
        left = self._aftermath(status or 0, seconds, ended_at, found)
        return left, monkey, violations(left, monkey, self.tests)

    def run_undisturbed(self) -> list[str]:
        """Whether the next run works: one file, on two workers."""
        self._clear()
        process, family = self._start("--workers=2", "pack_00/test_000.py")
        try:
            process.wait(PATIENCE)
            found = self._remains(family)
        finally:
            self._end(process, family)
        left = self._aftermath(process.returncode, 0.0, time.time(), found)
        verdicts = Counter(_verdicts(left))
        if left.ending != "completed" or verdicts.total() != suite.TESTS_A_FILE:
            found.append(f"the next run ended as {left.ending!r} with {dict(verdicts)}")
        wrong = [one for one in verdicts if one in ("crashed", "timeout", "not_run")]
        return found + [f"the next run has tests that {one}" for one in wrong]

    def keep(self, seed: int, monkey: Monkey, found: Sequence[str]) -> Path:
        """Keep what is needed to see what happened."""
        kept = self._out / "violation"
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(self._place, kept)
        report = {
            "seed": seed,
            "plan": asdict(monkey.plan),
            "violations": list(found),
            "deeds": [asdict(deed) for deed in monkey.deeds],
        }
        (kept / "violation.json").write_text(json.dumps(report, indent=1) + "\n")
        return kept

    def _clear(self) -> None:
        shutil.rmtree(self._place, ignore_errors=True)
        (self._place / "tmp").mkdir(parents=True)

    def _start(self, *words: str) -> tuple[subprocess.Popen[bytes], Family]:
        mark, events = uuid.uuid4().hex, self._place / "events.jsonl"
        command = [sys.executable, "-m", "pytest", "-p", "pytest_concurrent.plugin"]
        command += ["--concurrent", f"--concurrent-start={self._start_method}", "--tb=no"]
        command += [f"--concurrent-events={events}"]
        command += [f"--junitxml={self._place / 'junit.xml'}", *words]
        environment = {
            **os.environ,
            MARK: mark,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "TMPDIR": str(self._place / "tmp"),
        }
        with (self._place / "terminal.txt").open("wb") as output:
            output.write(f"{' '.join(command)}\n".encode())
            output.flush()
            process = subprocess.Popen(
                command,
                cwd=self._suite,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_no_cores,  # noqa: PLW1509 - this process has no threads
            )
        return process, Family(mark, process.pid, events)

    def _remains(self, family: Family) -> list[str]:
        until = time.monotonic() + GONE
        while (alive := family.alive()) and time.monotonic() < until:
            time.sleep(0.05)
        found = [f"process {pid}" for pid in alive]
        temp = [one.name for one in (self._place / "tmp").iterdir()]
        found += [f"{name} in the temp folder" for name in temp if not _NOT_OURS.fullmatch(name)]
        project = {one.name for one in self._suite.iterdir()} - _PROJECT
        known = {"pytest.ini", "conftest.py"}
        strange = [one for one in project - known if not one.startswith("pack_")]
        return found + [f"{name} in the project" for name in strange]

    def _end(self, process: subprocess.Popen[bytes], family: Family) -> None:
        """After a run that went wrong: nothing of it may disturb the next."""
        process.kill()
        process.wait()
        for pid in family.alive():
            family.signal(pid, signal.SIGKILL)

    def _aftermath(
        self, status: int, seconds: float, ended_at: float, leftovers: list[str]
    ) -> Aftermath:
        terminal = (self._place / "terminal.txt").read_text(errors="replace")
        return Aftermath(
            status,
            aftermath.read_events(self._place / "events.jsonl"),
            aftermath.read_junit(self._place / "junit.xml"),
            aftermath.read_totals(terminal),
            terminal,
            seconds,
            ended_at,
            leftovers,
        )


def _make_room(out: Path) -> None:
    """Only a folder of ours is ever replaced."""
    if out.exists() and any(out.iterdir()) and not (out / _OURS).exists():
        raise FileExistsError(f"{out} is not empty and no soak was there: name another folder")
    out.mkdir(parents=True, exist_ok=True)
    (out / _OURS).touch()


def _no_cores() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _verdicts(run: Aftermath) -> list[str]:
    return [str(one["verdict"]) for one in run.events if one["event"] == "test_finished"]


def _summary(number: int, seed: int, run: Aftermath, monkey: Monkey) -> str:
    verdicts = Counter(_verdicts(run))
    silence, since = run.longest_silence
    return (
        f"run {number}, seed {seed}, {monkey.plan.name}: {verdicts.total()} verdicts in "
        f"{run.seconds:.1f} s; killed {monkey.count('kill')}, stopped {monkey.count('stop')}; "
        f"{verdicts['crashed']} crashed, {verdicts['not_run']} not run; longest silence "
        f"{silence:.1f} s at {since:.1f} s, end {run.last_silence:.2f} s after the last event"
    )


def soak(out: Path, tests: int, seed: int, seconds: float, start: str) -> int:
    """Run for so long; the exit code."""
    random, tally = Random(seed), Tally()
    place = Soak(out, tests, seed, start)
    print(f"{place.tests} tests in {out}, for {seconds:g} s, seed {seed}, {start}", flush=True)
    until = time.monotonic() + seconds
    while not tally.runs or time.monotonic() < until:
        own_seed = random.randrange(_LARGEST_SEED)
        run, monkey, found = place.run(own_seed)
        tally.add(run, monkey)
        print(_summary(tally.runs, own_seed, run, monkey), flush=True)
        if not found:
            found = place.run_undisturbed()
        if found:
            kept = place.keep(own_seed, monkey, found)
            print(
                f"{tally}\n{len(found)} violations, all in {kept}; the first:",
                *found[:20],
                sep="\n",
            )
            return 1
    print(f"{tally}\n0 violations")
    return 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    times = parser.add_mutually_exclusive_group(required=True)
    times.add_argument("--minutes", type=float, help="how long to go on")
    times.add_argument("--seconds", type=float, help="how long to go on")
    parser.add_argument("--tests", type=int, default=20_000, help="about how many (default 20000)")
    parser.add_argument("--seed", type=int, help="of suite and chance (default: another each time)")
    parser.add_argument(
        "--start",
        choices=("fork", "spawn"),
        default="fork",
        help="how workers start (default fork)",
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="folder; what was there is replaced")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Soak as the command line says; return the exit code."""
    options = _arguments(argv)
    seed = options.seed if options.seed is not None else SystemRandom().randrange(_LARGEST_SEED)
    seconds = options.seconds if options.seconds is not None else 60 * options.minutes
    try:
        return soak(options.out, options.tests, seed, seconds, options.start)
    except FileExistsError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
