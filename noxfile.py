"""The suite on every version of Python and pytest that we support.

    nox                                   # the smoke on the pairs
    nox -s tests                          # the whole suite on every combination: hours
    nox -s 'tests-3.12(pytest="8.4")'     # one of them
    nox -s pairs                          # the whole suite, each version once

Interpreters that are missing are skipped; those of pyenv are found too. The smoke leaves out the
pair that nox itself runs with: `make test` runs everything there. What is after `--` goes to
pytest. The engine is built once: one build serves every Python.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import nox

PYTHONS = ("3.10", "3.11", "3.12", "3.13")
PYTESTS = ("8.2", "8.4", "9.0", "9.2")
#: Each version of either, once.
PAIRS = (("3.10", "8.2"), ("3.12", "8.4"), ("3.13", "9.0"), ("3.11", "9.2"))
#: A minute or two of what a version of Python or pytest would break first.
SMOKE = tuple(
    f"tests/acceptance/test_{name}.py"
    for name in ("outcomes", "fixtures", "junit", "stopping", "warnings", "doctor")
)

nox.options.sessions = ["smoke"]
nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = False

in_pairs = nox.parametrize("python,pytest", PAIRS, ids=[f"{p}-{t}" for p, t in PAIRS])


@nox.session(python=PYTHONS)
@nox.parametrize("pytest", PYTESTS)
def tests(session: nox.Session, pytest: str) -> None:
    """Run the whole suite on one combination."""
    _run(session, pytest)


@nox.session
@in_pairs
def pairs(session: nox.Session, pytest: str) -> None:
    """Run the whole suite, each version of Python and pytest once."""
    _run(session, pytest)


@nox.session
@in_pairs
def smoke(session: nox.Session, pytest: str) -> None:
    """Run the part that a version would break first, each version once."""
    if (session.python, pytest) == _own_pair():
        session.skip("make test runs all of it on this pair")
    _run(session, pytest, *SMOKE)


def _run(session: nox.Session, pytest: str, *words: str) -> None:
    session.install("--quiet", "pip>=25.1")
    session.install("--quiet", "--group", "test", f"pytest~={pytest}.0")
    session.install("--quiet", "--no-deps", "--force-reinstall", str(_wheel()))
    # The script, not `python -m`: the package is to come from the wheel, not from this folder.
    session.run("pytest", "-q", *(session.posargs or words))


def _own_pair() -> tuple[str, str] | None:
    """The versions that nox itself runs with; None where no pytest is beside it."""
    try:
        return f"3.{sys.version_info.minor}", ".".join(version("pytest").split(".")[:2])
    except PackageNotFoundError:
        return None


@functools.cache
def _wheel() -> Path:
    """Build the distribution, once for all sessions."""
    folder = Path(".nox", "wheel").resolve()
    shutil.rmtree(folder, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir"]
    subprocess.run([*command, str(folder), "."], check=True)
    return next(folder.glob("*.whl"))


def _newest_patches(versions: Iterable[str]) -> list[str]:
    """Of each Python that we support the newest one among versions such as `3.12.1`."""
    newest: dict[str, int] = {}
    for one in versions:
        python, _, patch = one.strip().rpartition(".")
        if python in PYTHONS and patch.isdecimal():
            newest[python] = max(int(patch), newest.get(python, 0))
    return [f"{python}.{patch}" for python, patch in newest.items()]


def _show_interpreters_of_pyenv() -> None:
    """Let pyenv's commands lead to each version: by themselves they lead to the one that is set."""
    if "PYENV_VERSION" not in os.environ and shutil.which("pyenv"):
        told = subprocess.check_output(("pyenv", "versions", "--bare"), text=True)
        if shown := _newest_patches(told.splitlines()):
            os.environ["PYENV_VERSION"] = ":".join(shown)


_show_interpreters_of_pyenv()
