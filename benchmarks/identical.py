"""Run real suites sequentially once and concurrently often; every outcome must be the same.

    python benchmarks/identical.py networkx --home DIR --workers 2 8 --runs 3
    python benchmarks/identical.py shipped --home DIR --normalise --coverage --record

`DIR` is what `setup.py` made; `shipped` are the suites of `setup.py --suites`. The sequential file
`DIR/junit/<suite>-plain.xml` is kept from one call to the next. `--coverage` measures the suite's
own packages too, and every line must count the same. Exit code 0: all alike, 1: a difference,
2: a run failed that passes sequentially.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import coverage_totals
from compare_junit import Outcome, Reading, differences, first_out_of_order, tally
from measuring.process import CommandError, Cost
from measuring.trials import Trial, Trials
from real_suites import SHIPPED, SUITES, RealSuite

RESULTS = Path(__file__).resolve().parent / "results" / "identical"


def compare(expected: Sequence[Outcome], got: Sequence[Outcome]) -> list[str]:
    """Say how a run differs from the sequential one: outcomes first, else their order."""
    found = differences(expected, got)
    misplaced = None if found else first_out_of_order(expected, got)
    return [misplaced] if misplaced else found


class Comparison:
    """One suite against itself: the sequential run and the concurrent ones."""

    def __init__(self, suite: RealSuite, options: argparse.Namespace) -> None:
        self.suite = suite
        self._options = options
        self._home: Path = options.home.resolve()
        self._reading = Reading(normalise=options.normalise, texts=True)

    def trials(self) -> Iterator[Trial]:
        """Run everything that was asked for, one result at a time. Raises `CommandError`."""
        options, suite = self._options, self.suite
        expected = self._reading.outcomes(suite.sequential(self._home, again=options.again))
        print(f"{suite.name}, sequentially: {tally(expected)}", flush=True)
        for start in options.start:
            for workers in options.workers:
                for attempt in range(1, options.runs + 1):
                    label = f"{start}-{workers}-{attempt}"
                    junit, cost = suite.run(self._home, label, *_words(start, workers))
                    found = compare(expected, self._reading.outcomes(junit))
                    yield self._told(start, workers, expected, found, cost)
        if options.coverage and suite.packages:
            yield from self._coverage_trials(expected)

    def _coverage_trials(self, expected: Sequence[Outcome]) -> Iterator[Trial]:
        plain, _ = coverage_totals.measure(self.suite, self._home, "plain")
        for start in self._options.start:
            workers = self._options.workers[0]
            words = _words(start, workers)
            measured, cost = coverage_totals.measure(self.suite, self._home, start, *words)
            found = coverage_totals.differences(plain, measured)
            yield self._told(start, workers, expected, found, cost, coverage=plain.total)

    def _told(
        self,
        start: str,
        workers: int,
        expected: Sequence[Outcome],
        found: Sequence[str],
        cost: Cost,
        *,
        coverage: str = "",
    ) -> Trial:
        what = f"coverage {coverage}" if coverage else "outcomes"
        print(f"{start}, {workers} workers, {cost.wall:.1f} s: {what} {_verdict(found, cost)}")
        sys.stdout.flush()
        return Trial(
            self.suite.name,
            self.suite.source,
            start,
            workers,
            len(expected),
            len(found) + cost.left_behind,
            coverage,
        )


def _words(start: str, workers: int) -> tuple[str, ...]:
    return "--concurrent", f"--workers={workers}", f"--concurrent-start={start}"


def _verdict(found: Sequence[str], cost: Cost) -> str:
    left = f"; {cost.left_behind} processes were left behind" if cost.left_behind else ""
    return ("\n".join([f"{len(found)} differences", *found[:20]]) if found else "alike") + left


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("suites", nargs="+", choices=[*SUITES, "shipped"])
    parser.add_argument("--home", type=Path, required=True, help="the folder that setup.py made")
    parser.add_argument("--workers", type=int, nargs="+", default=[2, 8], help="default: 2 8")
    parser.add_argument("--start", nargs="+", default=["fork"], help="start methods; default: fork")
    parser.add_argument("--runs", type=int, default=3, help="in a row, of each (default 3)")
    parser.add_argument("--normalise", action="store_true", help="see compare_junit.py")
    parser.add_argument("--again", action="store_true", help="take the sequential run anew")
    parser.add_argument("--coverage", action="store_true", help="compare every line as well")
    parser.add_argument("--record", action="store_true", help="keep what was found in results/")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run and compare what the command line names; return the exit code."""
    options = _arguments(argv)
    # What a shell starts behind itself ignores Ctrl-C, and asyncio then takes another way.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    names = [n for name in options.suites for n in (SHIPPED if name == "shipped" else [name])]
    python = SUITES[names[0]].python(options.home.resolve())
    kept = Trials(RESULTS / "suites.json", python) if options.record else None
    alike, broken = True, False
    for name in names:
        try:
            for trial in Comparison(SUITES[name], options).trials():
                alike = alike and not trial.differences
                if kept is not None:
                    kept.add(trial)
        except CommandError as error:
            print(error, file=sys.stderr, flush=True)
            broken = True
    if broken:
        return 2
    return 0 if alike else 1


if __name__ == "__main__":
    sys.exit(main())
