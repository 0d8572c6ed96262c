"""Coverage measured on workers is the coverage of a sequential run."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from .modes import WORKERS, Compare, Runner

PACKAGE = """
import subprocess
import sys

AT_IMPORT = [number for number in range(3)]

def sign(number):
    if number > 0:
        return 1
    elif number < 0:
        return -1
    return 0

def elsewhere():
    code = "import measured; measured.only_elsewhere()"
    subprocess.run([sys.executable, "-c", code], check=True)

def only_elsewhere():
    return None

def never_called():
    return None
"""
TESTS = """
import measured
import pytest

@pytest.mark.parametrize("number", [1, 5, 7, 0])
def test_sign(number):
    assert measured.sign(number) >= 0

def test_elsewhere():
    measured.elsewhere()
"""

#: What coverage is told, by name; and options.
SETTINGS = {
    "lines": ("", ()),
    "branches": ("", ("--cov-branch",)),
    "contexts": ("", ("--cov-context=test",)),
    "parallel": ("parallel = true\n", ()),
    "subprocesses": ("patch = subprocess\n", ("--cov-branch",)),
    "forks": ("patch = fork\n", ("--cov-context=test",)),
}


def files(folder: Path) -> Any:
    """What is covered of each file, from the report."""
    return json.loads((folder / "report.json").read_text())["files"]


def contexts(folder: Path) -> list[str]:
    """The names of all contexts."""
    with sqlite3.connect(folder / ".coverage") as data:
        return sorted(name for (name,) in data.execute("select context from context"))


@pytest.mark.parametrize("name", SETTINGS)
def test_coverage_is_that_of_a_sequential_run(
    pytester: pytest.Pytester, compare: Compare, name: str
) -> None:
    settings, options = SETTINGS[name]
    pytester.makepyfile(measured=PACKAGE, test_measured=TESTS)
    (pytester.path / ".coveragerc").write_text(f"[run]\n{settings}")
    args = ("--cov=measured", "--cov-report=json:report.json", *options)
    told = compare(*args, plugins=["pytest_cov"], read=files)
    covered = told["forked"].read["measured.py"]["executed_lines"]
    elsewhere = PACKAGE.strip().splitlines().index("def only_elsewhere():") + 2
    assert (elsewhere in covered) == (name == "subprocesses")
    for one in told.values():
        assert not list(one.folder.glob(".coverage.*")), "parts are left"
        if "--cov-context=test" in options:
            assert contexts(one.folder) == contexts(told["sequential"].folder)


@pytest.mark.parametrize("mode", WORKERS)
def test_dead_worker_loses_one_test_and_says_so(
    pytester: pytest.Pytester, runner: Runner, mode: str
) -> None:
    pytester.makepyfile(
        measured="\n".join(f"def number_{n}():\n    return {n}" for n in range(6)),
        test_measured="""
        import os, signal
        import measured
        import pytest

        pytestmark = pytest.mark.xdist_group("one worker")

        @pytest.mark.parametrize("number", range(6))
        def test_number(number):
            getattr(measured, f"number_{number}")()
            if number == 3:
                os.kill(os.getpid(), signal.SIGKILL)
        """,
    )
    args = ("--workers=1", "--cov=measured", "--cov-report=json:report.json")
    told = runner.run(mode, *args, plugins=["pytest_cov"], read=files)
    assert {name: told.totals[name] for name in ("passed", "failed")} == {"passed": 5, "failed": 1}
    assert told.read["measured.py"]["missing_lines"] == [2 * (3 + 1)]
    assert "worker gw0 died: the coverage of what it ran last is missing" in told.text


@pytest.mark.parametrize(("limit", "code"), [("50", 0), ("95", 1)])
def test_limit_counts_all_workers(
    pytester: pytest.Pytester, compare: Compare, limit: str, code: int
) -> None:
    pytester.makepyfile(measured=PACKAGE, test_measured=TESTS)
    args = ("--cov=measured", f"--cov-fail-under={limit}", "--cov-report=term-missing")
    told = compare(*args, plugins=["pytest_cov"])
    assert told["forked"].code == code


def test_measuring_can_be_switched_off(pytester: pytest.Pytester, compare: Compare) -> None:
    pytester.makepyfile(measured=PACKAGE, test_measured=TESTS)
    compare("--cov=measured", "--no-cov", plugins=["pytest_cov"])
