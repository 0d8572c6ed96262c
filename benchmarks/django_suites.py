"""Run a real Django suite on a real database, as plain pytest and as ours; all must agree.

    python benchmarks/django_suites.py redirects postgresql --home DIR
    python benchmarks/django_suites.py admin mariadb --home DIR --workers 2 8
    python benchmarks/django_suites.py drf postgresql --home DIR

`DIR` is what `setup.py` made. Servers are private, started and stopped here. For each number of
workers: a first run on an empty server, a second, one on another empty server with the template's
file, one after a migration was edited, one after that was undone. Outcomes are compared in full
with the plain run, which is kept in `DIR/junit`; the order too. Exit code 0: all alike, 1: a
difference, 2: a run ended with another exit code than the suite has by itself.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from compare_junit import Reading, tally
from database_servers import Address, ServerError, Servers, servers
from identical import compare
from measuring.process import CommandError, Cost, run

ENGINES = ("sqlite", "postgresql", "mariadb")
STAGES = ("first", "second", "from-file", "edited", "undone")
EDIT = "\n# edited by the benchmark, and to be undone\n"
LIMIT_SECONDS = 3600.0  # wagtail.admin takes about half an hour on one busy processor


@dataclass(frozen=True)
class DjangoSuite:
    """Where a suite lives, relative to the home folder, and how pytest is told of it.

    `migration` is a file below the virtualenv's site-packages or the folder, whose content the
    template depends on. `leftovers` is a folder there that its tests fill and do not empty, so that
    they would fail the next time. `exit_code` is what pytest gives for it, 1 where tests of its
    own fail.
    """

    name: str
    environment: str
    folder: str
    arguments: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    engines: tuple[str, ...] = ENGINES
    migration: str = ""
    leftovers: str = ""
    exit_code: int = 0

    def python(self, home: Path) -> Path:
        """The interpreter of its virtualenv."""
        return home / self.environment / "bin" / "python"

    def surroundings(self, address: Address | None) -> dict[str, str]:
        """Give the environment variables that send it to a server; none: SQLite in memory."""
        if address is None:
            return dict(self.variables)
        if self.name == "drf":
            return {**self.variables, "DATABASE_URL": address.url("drf")}
        return {**self.variables, **address.environment()}

    def edited_file(self, home: Path) -> Path:
        """Find the migration that is edited. Raises `FileNotFoundError`."""
        for root in self._roots(home):
            if (root / self.migration).is_file():
                return root / self.migration
        raise FileNotFoundError(f"{self.migration} is nowhere below {home}")

    def clear(self, home: Path) -> None:
        """Remove what an earlier run left behind."""
        for root in self._roots(home) if self.leftovers else ():
            shutil.rmtree(root / self.leftovers, ignore_errors=True)

    def _roots(self, home: Path) -> tuple[Path, ...]:
        packages = (home / self.environment).glob("lib/python3*/site-packages")
        return (home / self.folder, *packages)


def _wagtail(
    name: str, package: str, migration: str, leftovers: str = "", exit_code: int = 0
) -> DjangoSuite:
    return DjangoSuite(
        name,
        "venv-wagtail",
        "empty-folder",
        ("--pyargs", package),
        # Sets of texts stand in messages of tests that fail.
        {"DJANGO_SETTINGS_MODULE": "wagtail.test.settings", "PYTHONHASHSEED": "0"},
        migration=migration,
        leftovers=leftovers,
        exit_code=exit_code,
    )


SUITES = {
    suite.name: suite
    for suite in (
        _wagtail(
            "redirects",
            "wagtail.contrib.redirects",
            "wagtail/contrib/redirects/migrations/0001_initial.py",
        ),
        # three tests of scheduled pages fail by themselves (assertSchedulingDialogRendered)
        _wagtail(
            "admin",
            "wagtail.admin",
            "wagtail/admin/migrations/0002_admin.py",
            leftovers="wagtail/tests/test-media",
            exit_code=1,
        ),
        DjangoSuite(
            "drf",
            "venv-django",
            "drf",
            engines=("sqlite", "postgresql"),
            migration="rest_framework/authtoken/migrations/0001_initial.py",
        ),
    )
}


@contextmanager
def edited(path: Path) -> Iterator[None]:
    """Add a comment to a file, and take it away again whatever happens."""
    before = path.read_bytes()
    path.write_bytes(before + EDIT.encode())
    try:
        yield
    finally:
        path.write_bytes(before)


@dataclass
class Trial:
    """One suite on one engine: its servers, its caches, and what differed so far."""

    suite: DjangoSuite
    engine: str
    home: Path
    private: Servers
    reading: Reading
    alike: bool = True
    address: Address | None = None

    @property
    def name(self) -> str:
        """The suite and the engine, as files are named after them."""
        return f"{self.suite.name}-{self.engine}"

    @property
    def caches(self) -> Path:
        """Where ours keeps timings, manifests and template files of this trial."""
        return self.home / "caches" / f"identical-{self.name}"

    def empty_server(self) -> None:
        """Put an empty server in the place of the one that ran, at the same address."""
        if self.engine != "sqlite":
            self.address = self.private.empty(self.engine)

    def pytest(self, label: str, *words: str) -> tuple[Path, Cost]:
        """Run it; give its JUnit file and its cost. Raises `CommandError` on another exit code."""
        junit = self.home / "junit" / f"{self.name}-{label}.xml"
        folder, logs = self.home / self.suite.folder, self.home / "logs" / self.name
        self.suite.clear(self.home)
        for needed in (folder, logs, junit.parent):
            needed.mkdir(parents=True, exist_ok=True)
        options = ("-v", "-o", f"cache_dir={self.caches / 'pytest'}", f"--junit-xml={junit}")
        argv = (str(self.suite.python(self.home)), "-m", "pytest", "-p", "no:xdist", *options)
        cost = run(
            (*argv, *words, *self.suite.arguments),
            cwd=folder,
            log=logs / f"{label}.log",
            environment=self.suite.surroundings(self.address),
            expected_exit=self.suite.exit_code,
            limit=LIMIT_SECONDS,
        )
        return junit, cost

    def sequential(self, *, again: bool) -> Path:
        """Give the JUnit file of a plain run, taken now unless it is there."""
        kept = self.home / "junit" / f"{self.name}-plain.xml"
        if again or not kept.exists():
            self.empty_server()
            _, cost = self.pytest("plain", "-p", "no:pytest_concurrent")
            print(f"{self.name}, sequentially: {cost.wall:.1f} s")
        return kept

    def compare(self, plain: Path, workers: int, what: str) -> None:
        """Run ours once, and print how its outcomes compare with the plain run's."""
        words = ("--concurrent", f"--workers={workers}", f"--concurrent-db-cache={self._files}")
        junit, cost = self.pytest(f"{workers}-workers-{what}", *words)
        found = compare(self.reading.outcomes(plain), self.reading.outcomes(junit))
        self.alike = self.alike and not found and not cost.left_behind
        verdict = "\n".join([f"{len(found)} differences", *found[:20]]) if found else "alike"
        left = f"; {cost.left_behind} processes were left behind" if cost.left_behind else ""
        print(f"{self.name}, {workers} workers, {what}, {cost.wall:.1f} s: {verdict}{left}")

    def compare_all(self, plain: Path, workers: int, stages: Sequence[str]) -> None:
        """Go through the life of a template with one number of workers."""
        shutil.rmtree(self.caches, ignore_errors=True)
        for stage in STAGES:
            if stage not in stages:
                continue
            if stage in ("first", "from-file"):
                self.empty_server()
            with ExitStack() as stack:
                if stage == "edited":
                    stack.enter_context(edited(self.suite.edited_file(self.home)))
                self.compare(plain, workers, stage)

    @property
    def _files(self) -> Path:
        return self.caches / "templates"


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("suite", choices=SUITES)
    parser.add_argument("engine", choices=ENGINES)
    parser.add_argument("--home", type=Path, required=True, help="the folder that setup.py made")
    parser.add_argument("--workers", type=int, nargs="*", default=[2, 4, 8], help="default: 2 4 8")
    parser.add_argument(
        "--stages", nargs="+", choices=STAGES, default=STAGES, help="of a template; default: all"
    )
    parser.add_argument("--exact", action="store_true", help="addresses and ids must be equal too")
    parser.add_argument("--again", action="store_true", help="take the sequential run anew")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run and compare what the command line names; return the exit code."""
    options = _arguments(argv)
    suite = SUITES[options.suite]
    if options.engine not in suite.engines:
        print(f"{suite.name} cannot run on {options.engine}", file=sys.stderr)
        return 2
    reading = Reading(normalise=not options.exact, texts=True)
    try:
        with servers() as private:
            trial = Trial(suite, options.engine, options.home.resolve(), private, reading)
            plain = trial.sequential(again=options.again)
            print(f"{trial.name}, sequentially: {tally(reading.outcomes(plain))}", flush=True)
            for workers in options.workers:
                trial.compare_all(plain, workers, options.stages)
    except (CommandError, ServerError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0 if trial.alike else 1


if __name__ == "__main__":
    sys.exit(main())
