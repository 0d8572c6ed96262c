"""Run a real suite sequentially once and concurrently often; every outcome must be the same.

    python benchmarks/identical.py networkx --home DIR --workers 2 8 --runs 3
    python benchmarks/identical.py drf --home DIR

`DIR` is what `setup.py` made. The sequential file `DIR/junit/<suite>-plain.xml` is kept from one
call to the next. Exit code 0: all alike, 1: a difference, 2: a run failed that passes sequentially.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from compare_junit import Outcome, Reading, differences, first_out_of_order, tally
from measuring.process import CommandError, Cost, run


@dataclass(frozen=True)
class RealSuite:
    """Where a suite lives, relative to the home folder, and how pytest is told of it."""

    name: str
    environment: str
    folder: str
    arguments: tuple[str, ...] = ()

    def run(self, home: Path, label: str, *words: str) -> tuple[Path, Cost]:
        """Run it; give its JUnit file and its cost. Raises `CommandError` if a test failed."""
        junit = self._junit(home, label)
        folder, logs = home / self.folder, home / "logs" / self.name
        for needed in (folder, logs, junit.parent):
            needed.mkdir(parents=True, exist_ok=True)
        python = home / self.environment / "bin" / "python"
        cache = home / "caches" / self.name
        words = ("-q", "-o", f"cache_dir={cache}", f"--junit-xml={junit}", *words, *self.arguments)
        argv = (str(python), "-m", "pytest", *words)
        return junit, run(argv, cwd=folder, log=logs / f"{label}.log")

    def sequential(self, home: Path, *, again: bool) -> Path:
        """Give the JUnit file of a plain run, taken now unless it is there."""
        kept = self._junit(home, "plain")
        if again or not kept.exists():
            self.run(home, "plain", "-p", "no:pytest_concurrent")
        return kept

    def _junit(self, home: Path, label: str) -> Path:
        return home / "junit" / f"{self.name}-{label}.xml"


SUITES = {
    suite.name: suite
    for suite in (
        RealSuite("networkx", "venv", "empty-folder", ("--pyargs", "networkx")),
        RealSuite("drf", "venv-django", "drf"),
    )
}


def compare(expected: Sequence[Outcome], got: Sequence[Outcome]) -> list[str]:
    """Say how a run differs from the sequential one: outcomes first, else their order."""
    found = differences(expected, got)
    misplaced = None if found else first_out_of_order(expected, got)
    return [misplaced] if misplaced else found


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("suite", choices=SUITES)
    parser.add_argument("--home", type=Path, required=True, help="the folder that setup.py made")
    parser.add_argument("--workers", type=int, nargs="+", default=[2, 8], help="default: 2 8")
    parser.add_argument("--runs", type=int, default=3, help="in a row, of each (default 3)")
    parser.add_argument("--normalise", action="store_true", help="see compare_junit.py")
    parser.add_argument("--again", action="store_true", help="take the sequential run anew")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run and compare what the command line names; return the exit code."""
    options = _arguments(argv)
    suite, home = SUITES[options.suite], options.home.resolve()
    reading = Reading(normalise=options.normalise, texts=True)
    alike = True
    try:
        expected = reading.outcomes(suite.sequential(home, again=options.again))
        print(f"{suite.name}, sequentially: {tally(expected)}")
        for workers in options.workers:
            for attempt in range(1, options.runs + 1):
                words = ("--concurrent", f"--workers={workers}")
                junit, cost = suite.run(home, f"{workers}-workers-{attempt}", *words)
                found = compare(expected, reading.outcomes(junit))
                alike = alike and not found and not cost.left_behind
                print(
                    f"{workers} workers, run {attempt}, {cost.wall:.1f} s: {_verdict(found, cost)}"
                )
    except CommandError as error:
        print(error, file=sys.stderr)
        return 2
    return 0 if alike else 1


def _verdict(found: Sequence[str], cost: Cost) -> str:
    left = f"; {cost.left_behind} processes were left behind" if cost.left_behind else ""
    return ("\n".join([f"{len(found)} differences", *found[:20]]) if found else "alike") + left


if __name__ == "__main__":
    sys.exit(main())
