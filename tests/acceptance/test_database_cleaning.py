"""Databases are dropped by hand after a yes, and without one they stay."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SETUP = """
import sqlite3

def fill(url):
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        connection.execute("CREATE TABLE book (title TEXT)")
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> Path:
    """A project whose one template is there."""
    pytester.makepyfile(schema=SETUP)
    pytester.makepyfile("def test_has_a_database(concurrent_database): pass")
    pytester.makeini(
        """
        [pytest]
        pythonpath = .
        concurrent_database = sqlite://
        concurrent_database_setup = schema:fill
        """
    )
    pytester.runpytest_subprocess("--concurrent", "--workers=1").assert_outcomes(passed=1)
    assert len(templates(pytester.path)) == 1
    return pytester.path


def templates(project: Path) -> list[Path]:
    return list(project.glob(".pytest_cache/concurrent-databases/templates/*_t_*.sqlite3"))


def clean(project: Path, *arguments: str, answer: str | None = None) -> str:
    """What is printed; with an answer, on a terminal."""
    controlling, terminal = os.openpty()
    os.write(controlling, f"{answer}\n".encode())
    try:
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            cwd=project,
            stdin=subprocess.DEVNULL if answer is None else terminal,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=True,
            timeout=60,
        ).stdout
    finally:
        os.close(controlling)
        os.close(terminal)


def test_without_a_terminal_nothing_is_dropped(project: Path) -> None:
    output = clean(project, "pytest", "--concurrent-db-clean")
    assert f"may go {templates(project)[0].stem}" in output
    assert "databases clean --yes" in output
    assert len(templates(project)) == 1


def test_no_is_no(project: Path) -> None:
    assert "dropped" not in clean(project, "pytest", "--concurrent-db-clean", answer="n")
    assert len(templates(project)) == 1


def test_yes_drops_what_was_shown(project: Path) -> None:
    output = clean(project, "pytest", "--concurrent-db-clean", answer="yes")
    assert "1 database dropped" in output
    assert templates(project) == []


def test_command_can_say_yes_in_advance(project: Path) -> None:
    output = clean(project, "pytest_concurrent", "databases", "clean", "--yes")
    assert "1 database dropped" in output
    assert templates(project) == []


def test_project_without_databases_is_told_so(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--concurrent-db-clean", "-p", "no:django")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*no database is named in this project*"])
