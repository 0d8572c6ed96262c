"""The rows of the speed table that need a database server; `rows.py` runs them.

The suite is that of `wagtail.contrib.redirects`: few tests behind 299 migrations. Servers are
private and empty, as in a CI job, except where a row says that it comes back to a server.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from database_servers import Address, Servers
from measuring.process import Cost
from measuring.result import Criterion
from measuring.rounds import Command, Prepare
from measuring.sitting import Comparison

LABEL = "wagtail.contrib.redirects"
OURS_OFF = ("-p", "no:pytest_concurrent")
Costs = Mapping[str, Cost]


@dataclass(frozen=True)
class DjangoBench:
    """The folder that `setup.py` made, private servers, and wagtail's tests in each of the ways."""

    home: Path
    private: Servers

    @property
    def python(self) -> Path:
        """The interpreter of wagtail's virtualenv."""
        return self.home / "venv-wagtail" / "bin" / "python"

    @property
    def caches(self) -> Path:
        """Where the timings and the files of templates are kept."""
        return self.home / "caches" / "wagtail"

    def empty_server(self) -> Address:
        """Put an empty PostgreSQL in the place of the one that ran, at the same address."""
        return self.private.empty("postgresql")

    def first_ever(self) -> None:
        """An empty server, and nothing kept by any earlier run of ours."""
        shutil.rmtree(self.caches, ignore_errors=True)
        self.empty_server()

    def pytest(self, label: str, *arguments: str, prepare: Prepare | None = None) -> Command:
        """Run wagtail's tests by pytest and pytest-django."""
        words = ("-m", "pytest", "-q", "-o", f"cache_dir={self.caches / 'pytest'}", *arguments)
        return self._command(label, (*words, "--pyargs", LABEL), prepare)

    def xdist(self, workers: int) -> Command:
        """Run with pytest-xdist and pytest-django as they are shipped, ours off."""
        words = ("-n", str(workers), *OURS_OFF)
        return self.pytest(f"xdist-{workers}", *words, prepare=self.empty_server)

    def django(self, workers: int) -> Command:
        """Run Django's own `test --parallel`."""
        words = ("-m", "django", "test", LABEL, "--noinput", "--parallel", str(workers))
        return self._command(f"django-{workers}", words, self.empty_server)

    def ours(self, label: str, workers: int, *words: str, prepare: Prepare | None) -> Command:
        """Run ours, with a file of each template kept."""
        files = f"--concurrent-db-cache={self.caches / 'templates'}"
        arguments = ("--concurrent", f"--workers={workers}", files, *words)
        return self.pytest(f"{label}-{workers}", *arguments, prepare=prepare)

    def _command(self, label: str, words: tuple[str, ...], prepare: Prepare | None) -> Command:
        place = self.home / "empty-folder"
        place.mkdir(parents=True, exist_ok=True)
        surroundings = {
            "DJANGO_SETTINGS_MODULE": "wagtail.test.settings",
            **self.private.address("postgresql").environment(),
        }
        argv = (str(self.python), *words)
        return Command(label, argv, place, surroundings, prepare=prepare)


def wagtail(bench: DjangoBench) -> Comparison:
    """The tests of wagtail.contrib.redirects on PostgreSQL, 4 workers."""
    return Comparison(
        "wagtail",
        "wagtail 8.0.1's `contrib.redirects` on PostgreSQL, 4 workers",
        [
            bench.pytest("pytest", *OURS_OFF, prepare=bench.empty_server),
            bench.xdist(4),
            bench.django(4),
            bench.ours("first", 4, prepare=bench.first_ever),
            # the file is the one that the run before wrote
            bench.ours("file", 4, prepare=bench.empty_server),
            # the server is the one that the run before left
            bench.ours("later", 4, prepare=None),
        ],
        [
            _walls("first run ever ÷ Django's own", "first-4", "django-4", 1.0),
            _walls("empty server, template's file ÷ Django's own", "file-4", "django-4", 0.25),
            _walls("later run ÷ xdist", "later-4", "xdist-4", 0.10),
            _walls("later run ÷ pytest", "later-4", "pytest"),
            _walls("xdist ÷ pytest", "xdist-4", "pytest"),
        ],
        bench.python,
        # Each command makes its own beginnings; a round takes minutes, and warming one up as many.
        warm_ups=0,
    )


def wagtail_memory(bench: DjangoBench) -> Comparison:
    """The same on 8 workers: the sum of proportional set sizes at its peak."""
    return Comparison(
        "wagtail_memory",
        "wagtail 8.0.1's `contrib.redirects` on PostgreSQL, 8 workers, memory of all processes "
        "but the server's (times suffer)",
        [bench.xdist(8), bench.ours("ours", 8, prepare=bench.empty_server)],
        [
            Criterion(
                "peak memory: ours ÷ xdist",
                lambda c: c["ours-8"].peak_pss / c["xdist-8"].peak_pss,
                0.4,
            )
        ],
        bench.python,
        warm_ups=0,
        sample_memory=True,
    )


def _walls(what: str, label: str, reference: str, limit: float | None = None) -> Criterion:
    return Criterion(f"wall: {what}", lambda c: c[label].wall / c[reference].wall, limit)


DATABASE_ROWS: dict[str, Callable[[DjangoBench], Comparison]] = {
    row.__name__: row for row in (wagtail, wagtail_memory)
}
