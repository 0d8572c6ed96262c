"""Real suites: where each comes from, and how pytest is told of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from measuring.process import CommandError, Cost, run

LIMIT_SECONDS = 1800.0


@dataclass(frozen=True)
class RealSuite:
    """Where a suite lives, relative to the home folder, and how pytest is told of it.

    `source` is the pinned source package that `folder` is unpacked from, `packages` are what
    coverage is measured of. `exit_code` is what pytest gives for it, 1 where tests of its own fail.
    """

    name: str
    environment: str
    folder: str
    arguments: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    packages: tuple[str, ...] = ()
    exit_code: int = 0

    def python(self, home: Path) -> Path:
        """The interpreter of its virtualenv."""
        return home / self.environment / "bin" / "python"

    def run(self, home: Path, label: str, *words: str) -> tuple[Path, Cost]:
        """Run it; give its JUnit file and its cost. Raises `CommandError` on another exit code."""
        junit, python = self.junit(home, label), self.python(home)
        folder, logs = home / self.folder, home / "logs" / self.name
        temporary = home / "temporary" / self.name
        for needed in (folder, logs, temporary, junit.parent):
            needed.mkdir(parents=True, exist_ok=True)
        cache = home / "caches" / self.name
        words = ("-q", "-o", f"cache_dir={cache}", f"--junit-xml={junit}", *words, *self.arguments)
        cost = run(
            (str(python), "-m", "pytest", *words),
            cwd=folder,
            log=logs / f"{label}.log",
            environment={
                **self.variables,
                "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
                # pytest keeps three runs' temporary folders; others here are not to push ours out
                "PYTEST_DEBUG_TEMPROOT": str(temporary),
            },
            expected_exit=self.exit_code,
            limit=LIMIT_SECONDS,
        )
        return junit, cost

    def sequential(self, home: Path, *, again: bool) -> Path:
        """Give the JUnit file of a plain run, taken now unless it is there."""
        kept = self.junit(home, "plain")
        if again or not kept.exists():
            try:
                self.run(home, "plain", "-p", "no:pytest_concurrent")
            except CommandError:
                kept.unlink(missing_ok=True)  # nothing to compare with
                raise
        return kept

    def junit(self, home: Path, label: str) -> Path:
        """Where the outcomes of a run are kept."""
        return home / "junit" / f"{self.name}-{label}.xml"


def _from_source(
    name: str,
    version: str,
    *packages: str,
    arguments: tuple[str, ...] = (),
    variables: Mapping[str, str] | None = None,
    exit_code: int = 0,
) -> RealSuite:
    """A suite that its project ships in its source package, with a virtualenv of its own."""
    return RealSuite(
        name,
        f"suites/{name}/venv",
        f"suites/{name}/source",
        arguments,
        variables or {},
        f"{name}=={version}",
        packages,
        exit_code,
    )


#: Suites of projects that many use, from their source packages. (rich's holds no tests.)
SHIPPED = {
    suite.name: suite
    for suite in (
        # one test fails by itself (TestPipe::test_wrapped_annotation)
        _from_source("attrs", "26.1.0", "attr", "attrs", exit_code=1),
        _from_source("click", "8.5.1", "click"),
        _from_source("flask", "3.1.3", "flask"),
        # thirteen tests fail by themselves: versions of what they use went on
        # Its server has a fixed port.
        _from_source(
            "httpx",
            "0.28.1",
            "httpx",
            arguments=("-p", "one_server"),
            variables={"PYTHONPATH": str(Path(__file__).resolve().parent)},
            exit_code=1,
        ),
        _from_source("jinja2", "3.1.6", "jinja2"),
        # (with -W error, its coverage settings stop pytest-cov by a warning)
        _from_source("pluggy", "1.7.0"),
        _from_source("pygments", "2.21.0", "pygments"),
        _from_source(
            "pytest-django",
            "4.14.0",
            "pytest_django",
            arguments=("tests",),
            variables={"DJANGO_SETTINGS_MODULE": "pytest_django_test.settings_sqlite"},
        ),
        # four tests want a network that drops packets
        _from_source("requests", "2.34.2", "requests", exit_code=1),
        # the development server's own tests wait for ever, sequentially too, where files change
        _from_source("werkzeug", "3.1.9", "werkzeug", arguments=("-m", "not dev_server")),
    )
}

#: pytest-xdist's own cases, which `xdist_acceptance.py` runs in our words.
XDIST = _from_source("pytest-xdist", "3.8.0", "xdist", arguments=("testing/acceptance_test.py",))

SUITES = {
    "networkx": RealSuite("networkx", "venv", "empty-folder", ("--pyargs", "networkx")),
    "drf": RealSuite("drf", "venv-django", "drf"),
    **SHIPPED,
}
