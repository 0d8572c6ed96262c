"""The rows of the project's speed table that can be run with one command each.

    python benchmarks/rows.py --home DIR empty sleep networkx …

`DIR` is what `setup.py` made. Each row prepares its suite, compares its commands in interleaved
rounds and says beside each ratio the limit it must keep. Exit code 0: all limits kept,
1: one missed, 2: a command failed, 3: the minutes were up first; run the same again to go on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from database_rows import DATABASE_ROWS, DjangoBench
from database_servers import ServerError, servers
from generate import MANIFEST, Suite, generate, load_suite
from measuring import events
from measuring.process import CommandError, Cost
from measuring.result import Criterion
from measuring.rounds import Command, Observe
from measuring.sitting import Comparison, Sitting

RESULTS = Path(__file__).parent / "results"
SLEEP_SEED = 276  # gives 61.0 s in total
NETWORKX = ("--pyargs", "networkx")
# What its tests import in most workers, as its functions do, when they are first called.
NETWORKX_IMPORTS = "concurrent_preload=scipy.sparse.linalg, scipy.optimize, scipy.stats"
OURS_OFF = ("-p", "no:pytest_concurrent")
Costs = Mapping[str, Cost]


@dataclass(frozen=True)
class Bench:
    """The folder that `setup.py` made, and how its pytest is called in each of the ways."""

    home: Path

    @property
    def python(self) -> Path:
        """The interpreter of the clean virtualenv."""
        return self.home / "venv" / "bin" / "python"

    def suite(self, kind: str, tests: int, seed: int = 1) -> tuple[Path, Suite]:
        """Generate a suite unless it is there already, so that its bytecode stays warm."""
        out = self.home / "suites" / f"{kind}-{tests}"
        if (out / MANIFEST).exists() and load_suite(out).seed == seed:
            return out, load_suite(out)
        return out, generate(kind, tests, seed, out)

    def plain(self, label: str, *arguments: str, cwd: Path | None = None) -> Command:
        """Plain pytest: ours off, all other plugins loaded."""
        return self._pytest(label, (*OURS_OFF, *arguments), cwd)

    def xdist(self, workers: int, *arguments: str, cwd: Path | None = None) -> Command:
        """Run with pytest-xdist as it is shipped, ours off."""
        return self._pytest(f"xdist-{workers}", ("-n", str(workers), *OURS_OFF, *arguments), cwd)

    def ours(
        self,
        workers: int,
        *arguments: str,
        cwd: Path | None = None,
        label: str = "ours",
        observe: Observe | None = None,
        expected_exit: int = 0,
    ) -> Command:
        """Run ours, with timings kept from one round to the next."""
        words = ("--concurrent", f"--workers={workers}", *arguments)
        return self._pytest(f"{label}-{workers}", words, cwd, observe, expected_exit)

    def observed(
        self,
        workers: int,
        suite: Path,
        read: Callable[[list[events.Event]], dict[str, float]],
        *,
        expected_exit: int = 0,
    ) -> Command:
        """Run ours with `--concurrent-events` and read figures from the file after each run."""
        written = suite / f"events-{workers}.jsonl"
        return self.ours(
            workers,
            f"--concurrent-events={written}",
            cwd=suite,
            observe=lambda: read(events.read(written)),
            expected_exit=expected_exit,
        )

    def _pytest(
        self,
        label: str,
        arguments: Sequence[str],
        cwd: Path | None,
        observe: Observe | None = None,
        expected_exit: int = 0,
    ) -> Command:
        place = cwd or self.home / "empty-folder"
        place.mkdir(parents=True, exist_ok=True)
        cache = self.home / "caches" / place.name / label
        argv = [str(self.python), "-m", "pytest", "-q", "-o", f"cache_dir={cache}", *arguments]
        return Command(label, argv, place, observe=observe, expected_exit=expected_exit)


def empty(bench: Bench) -> Comparison:
    """10,000 empty tests in 200 files on 2 workers."""
    suite, _ = bench.suite("empty", 10_000)
    return Comparison(
        "empty",
        "10,000 empty tests, 200 files, 2 workers",
        [
            bench.plain("pytest", cwd=suite),
            bench.xdist(2, cwd=suite),
            bench.ours(2, cwd=suite),
        ],
        [
            Criterion("wall: ours ÷ xdist", lambda c: c["ours-2"].wall / c["xdist-2"].wall, 0.42),
            Criterion("wall: ours ÷ pytest", lambda c: c["ours-2"].wall / c["pytest"].wall, 0.65),
        ],
        bench.python,
    )


def sleep(bench: Bench) -> Comparison:
    """1,001 sleeping tests on 4, 8 and 12 workers against the bound."""
    suite, holds = bench.suite("sleep", 1_001, SLEEP_SEED)
    commands = [bench.observed(n, suite, lambda e: {"span": events.span(e)}) for n in (4, 8, 12)]
    criteria = [criterion for n in (4, 8, 12) for criterion in _bound_criteria(n, holds)]
    bound = holds.bound(8)
    return Comparison(
        "sleep",
        f"1,001 sleeping tests, {holds.total:.1f} s in total, second run",
        [bench.xdist(8, cwd=suite), *commands],
        [
            *criteria,
            Criterion("wall ÷ bound: xdist, 8 workers", lambda c: c["xdist-8"].wall / bound),
        ],
        bench.python,
    )


def _bound_criteria(workers: int, suite: Suite) -> list[Criterion]:
    """Judge 8 workers whole; the others by the span of the tests, as start-up does not scale."""
    label, bound = f"ours-{workers}", suite.bound(workers)

    def span(costs: Costs) -> float:
        return costs[label].observed["span"] / bound

    def whole(costs: Costs) -> float:
        return costs[label].wall / bound

    return [
        Criterion(f"first start to last end ÷ bound {bound:.2f} s, {workers} workers", span, 1.05),
        Criterion(f"wall ÷ bound, {workers} workers", whole, 1.12 if workers == 8 else None),
    ]


def networkx(bench: Bench) -> Comparison:
    """The own suite of networkx on 2 workers."""

    def of_the_ideal(costs: Costs) -> float:
        return costs["ours-2"].wall / (costs["pytest"].wall / 2 + costs["collection"].wall)

    return Comparison(
        "networkx",
        "networkx 3.6.1's own suite, 2 workers",
        [
            bench.plain("collection", "--collect-only", "-q", *NETWORKX),
            bench.plain("pytest", *NETWORKX),
            bench.xdist(2, *NETWORKX),
            bench.ours(2, *NETWORKX),
        ],
        [
            Criterion("wall: ours ÷ xdist", lambda c: c["ours-2"].wall / c["xdist-2"].wall, 0.87),
            Criterion("wall: ours ÷ (pytest ÷ 2 + collection)", of_the_ideal, 1.03),
            Criterion("CPU: ours ÷ pytest", lambda c: c["ours-2"].cpu / c["pytest"].cpu, 1.02),
            Criterion("CPU: xdist ÷ pytest", lambda c: c["xdist-2"].cpu / c["pytest"].cpu),
        ],
        bench.python,
    )


def memory(bench: Bench) -> Comparison:
    """The same on 8 workers: the sum of proportional set sizes at its peak."""

    def of_xdist(label: str) -> Callable[[Costs], float]:
        return lambda costs: costs[label].peak_pss / costs["xdist-8"].peak_pss

    return Comparison(
        "memory",
        "networkx 3.6.1's own suite, 8 workers, memory sampled (times suffer)",
        [
            bench.xdist(8, *NETWORKX),
            bench.ours(8, *NETWORKX),
            bench.ours(8, *NETWORKX, "-o", NETWORKX_IMPORTS, label="preloaded"),
        ],
        [
            Criterion("peak memory: ours ÷ xdist", of_xdist("ours-8"), 0.6),
            Criterion("peak memory: ours with preloading ÷ xdist", of_xdist("preloaded-8"), 0.6),
        ],
        bench.python,
        sample_memory=True,
        warm_ups=0,
    )


def many(bench: Bench) -> Comparison:
    """100,000 empty tests: the controller's cost per test against that at 10,000."""
    small, few = bench.suite("empty", 10_000)
    large, lots = bench.suite("empty", 100_000)

    def controllers(costs: Costs) -> float:
        return (costs["many-2"].controller / lots.tests) / (costs["few-2"].controller / few.tests)

    def everybodys(costs: Costs) -> float:
        return (costs["many-2"].cpu / lots.tests) / (costs["few-2"].cpu / few.tests)

    return Comparison(
        "many",
        "100,000 empty tests against 10,000, 2 workers",
        [bench.ours(2, cwd=small, label="few"), bench.ours(2, cwd=large, label="many")],
        [
            Criterion("controller's CPU a test: 100,000 ÷ 10,000", controllers, 1.1),
            Criterion("all CPU a test: 100,000 ÷ 10,000", everybodys),
            Criterion("controller, µs a test at 100,000", lambda c: c["many-2"].controller * 10),
            Criterion("all processes, µs a test at 100,000", lambda c: c["many-2"].cpu * 10),
        ],
        bench.python,
    )


def replacement(bench: Bench) -> Comparison:
    """Workers that die: from the death until the slot waits for a test again."""
    suite, _ = bench.suite("deaths", 250)
    command = bench.observed(2, suite, _replacement_seconds, expected_exit=1)
    return Comparison(
        "replacement",
        "250 tests of 10 ms, 5 of which kill their worker, 2 workers",
        [command],
        [
            Criterion("median replacement, s", lambda c: c["ours-2"].observed["median"], 0.05),
            Criterion("slowest replacement, s", lambda c: c["ours-2"].observed["slowest"]),
            Criterion("replacements seen", lambda c: c["ours-2"].observed["seen"]),
        ],
        bench.python,
    )


def _replacement_seconds(seen: list[events.Event]) -> dict[str, float]:
    waits = events.replacements(seen)
    if not waits:
        raise CommandError(
            "no worker was replaced: the events hold no worker_died with a worker_ready after it"
        )
    return {"median": median(waits), "slowest": max(waits), "seen": len(waits)}


def scaling(bench: Bench) -> Comparison:
    """The same sleeping tests on 2 workers that stay 2 and on 2 that may become 16."""
    suite, holds = bench.suite("sleep", 1_001, SLEEP_SEED)
    bounds = ("--concurrent-scale", "--concurrent-max-workers=16")
    return Comparison(
        "scaling",
        f"1,001 sleeping tests, {holds.total:.1f} s in total, 2 workers at first",
        [
            bench.ours(2, cwd=suite, label="fixed"),
            bench.ours(2, *bounds, cwd=suite, label="scaled"),
        ],
        [Criterion("wall: scaled ÷ fixed", lambda c: c["scaled-2"].wall / c["fixed-2"].wall, 0.25)],
        bench.python,
    )


def recycling(bench: Bench) -> Comparison:
    """Tests that leak 4 MiB each, with workers of at most 64 MiB and without a limit."""
    suite, _ = bench.suite("leaks", 250)
    limit = "--concurrent-memory-limit=64MiB"

    def peak(costs: Costs) -> float:
        return costs["limited-2"].peak_pss / costs["free-2"].peak_pss

    return Comparison(
        "recycling",
        "250 tests that leak 4 MiB each, 2 workers, memory sampled",
        [
            bench.ours(2, cwd=suite, label="free"),
            bench.ours(2, limit, cwd=suite, label="limited"),
        ],
        [
            Criterion("peak memory: limited ÷ free", peak, 0.5),
            Criterion("wall: limited ÷ free", lambda c: c["limited-2"].wall / c["free-2"].wall),
        ],
        bench.python,
        sample_memory=True,
    )


def metrics(bench: Bench) -> Comparison:
    """The same on 2 workers with and without collecting metrics."""
    written = bench.home / "metrics.prom"
    return Comparison(
        "metrics",
        "networkx 3.6.1's own suite, 2 workers, metrics on and off",
        [
            bench.ours(2, *NETWORKX, label="off"),
            bench.ours(2, f"--concurrent-metrics={written}", *NETWORKX, label="on"),
        ],
        [Criterion("CPU: on ÷ off", lambda c: c["on-2"].cpu / c["off-2"].cpu, 1.02)],
        bench.python,
    )


def fixtures(bench: Bench) -> Comparison:
    """Modules with costly set-ups on 4 workers: kept together unless splitting pays."""
    suite, holds = bench.suite("fixtures", 1_000)
    bound = holds.bound(4)
    return Comparison(
        "fixtures",
        f"1,000 tests, 20 modules with a costly set-up, {holds.total:.1f} s in total, 4 workers",
        [bench.xdist(4, cwd=suite), bench.ours(4, cwd=suite)],
        [
            Criterion("wall: ours ÷ xdist", lambda c: c["ours-4"].wall / c["xdist-4"].wall),
            Criterion(f"wall ÷ bound {bound:.2f} s", lambda c: c["ours-4"].wall / bound),
        ],
        bench.python,
    )


ROWS: dict[str, Callable[[Bench], Comparison]] = {
    row.__name__: row
    for row in (
        empty,
        sleep,
        networkx,
        memory,
        many,
        replacement,
        scaling,
        recycling,
        metrics,
        fixtures,
    )
}


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    every = {**ROWS, **DATABASE_ROWS}
    listed = "; ".join(f"{name}: {(row.__doc__ or '').rstrip('.')}" for name, row in every.items())
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0], epilog=listed)
    parser.add_argument("rows", nargs="+", choices=every, metavar="ROW", help=", ".join(every))
    parser.add_argument("--home", type=Path, required=True, help="the folder that setup.py made")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for result files")
    parser.add_argument("--rounds", type=int, help="default: 5 in every row")
    parser.add_argument(
        "--minutes",
        type=float,
        default=9.5,
        help="of each row; it stops before a round that would not fit (default 9.5)",
    )
    parser.add_argument(
        "--again", action="store_true", help="forget the rounds of earlier sittings"
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the rows that the command line names; return the worst exit code."""
    options = _arguments(argv)
    bench = Bench(options.home.resolve())
    if not bench.python.exists():
        print(f"{bench.python} is missing: run benchmarks/setup.py {options.home}", file=sys.stderr)
        return 2
    options.results.mkdir(parents=True, exist_ok=True)
    sitting = Sitting(options.results, bench.home, options.minutes, options.again, options.rounds)
    try:
        with servers() as private:
            django = DjangoBench(bench.home, private)
            made: dict[str, Callable[[], Comparison]] = {
                **{name: partial(row, bench) for name, row in ROWS.items()},
                **{name: partial(row, django) for name, row in DATABASE_ROWS.items()},
            }
            return max([sitting.hold(made[name]()) for name in options.rows])
    except (CommandError, ServerError) as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
