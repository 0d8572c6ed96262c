"""The doctor says how a suite would run, runs nothing, and leaves nothing behind."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .parity import on_workers

TESTS = """
from pathlib import Path

def test_leaves_a_trace():
    Path(__file__).with_name("it-ran").touch()

def test_other(): pass
"""

THREAD = """
import threading
threading.Thread(target=threading.Event().wait, name="exporter", daemon=True).start()
"""

LOOKER = """
def pytest_runtest_teardown(item, nextitem):
    if nextitem is None or nextitem.path != item.path:
        pass
"""

LISTENER = """
import socket
LISTENER = socket.create_server(("127.0.0.1", 0))
"""

SCHEMA = """
import sqlite3

def fill(url):
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        connection.execute("CREATE TABLE book (title TEXT)")
"""

DATABASE = """
[pytest]
pythonpath = .
concurrent_database = sqlite://
concurrent_database_setup = schema:fill
"""


def examined(pytester: pytest.Pytester, *arguments: str) -> tuple[int, str]:
    """Exit code and text of the doctor, each run of spaces as one."""
    result = pytester.runpytest_subprocess("--concurrent-doctor", *arguments)
    return int(result.ret), re.sub(r"\s+", " ", result.stdout.str())


def files(folder: Path) -> set[str]:
    """Every file in a folder but compiled modules."""
    found = (path for path in folder.rglob("*") if path.is_file())
    paths = {path.relative_to(folder).as_posix() for path in found}
    # pytester keeps the temporary folder of the run there, and what it printed.
    others = ("runpytest-", "stdout", "stderr")
    return {one for one in paths if "__pycache__" not in one and not one.startswith(others)}


def test_healthy_suite_is_told_and_untouched(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TESTS)
    before = files(pytester.path)
    code, text = examined(pytester, "--workers=2")
    assert code == 0
    assert "✓ 2 tests would run on 2 workers, forked" in text
    assert "✓ Python threads none" in text
    assert "✓ 2 workers --workers" in text
    assert files(pytester.path) == before


@pytest.mark.parametrize(
    ("conftest", "named"),
    [
        (THREAD, "exporter"),
        ("import os; os.environ.get('PYTEST_XDIST_WORKER')", "conftest.py:1 reads"),
    ],
)
def test_doctor_says_spawn_where_a_run_does(
    pytester: pytest.Pytester, conftest: str, named: str
) -> None:
    pytester.makepyfile(TESTS)
    pytester.makeconftest(conftest)
    code, text = examined(pytester, "--workers=2")
    assert code == 0
    assert named in text
    assert "✓ 2 tests would run on 2 workers, spawned" in text
    result = pytester.runpytest_subprocess(*on_workers(2))
    header = next(line for line in result.outlines if line.startswith("concurrent: 2 workers"))
    reason = header.partition("spawn (")[2].partition(")")[0]
    assert reason in text


def test_hazard_that_is_accepted_is_a_note(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TESTS)
    pytester.makeconftest(THREAD)
    code, text = examined(pytester, "--concurrent-start=fork")
    assert code == 0
    assert "! Python threads a fork leaves them behind: exporter" in text


def test_hooks_and_sockets_are_named_with_their_place(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TESTS)
    pytester.makeconftest(LISTENER + LOOKER)
    code, text = examined(pytester)
    assert code == 0
    assert "conftest.py:4: pytest_runtest_teardown looks at nextitem" in text
    assert re.search(r"! open sockets every worker inherits them: tcp 127\.0\.0\.1:\d+ ", text)


def test_suite_that_cannot_be_collected_is_interrupted(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("import nothing_of_that_name")
    code, text = examined(pytester)
    assert code == pytest.ExitCode.INTERRUPTED
    assert "1 error during collection" in text


def test_suite_without_tests_has_its_exit_code(pytester: pytest.Pytester) -> None:
    code, text = examined(pytester)
    assert code == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "nothing to run" in text


def test_veto_is_a_fallback(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makepyfile(TESTS)
    monkeypatch.setenv("DJANGO_ENABLE_CONCURRENT", "0")
    code, text = examined(pytester)
    assert code == 1
    assert "✗ sequential DJANGO_ENABLE_CONCURRENT switches concurrency off" in text


def test_misses_and_hits_are_told_with_their_reason(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = pytester.makepyfile(schema=SCHEMA)
    pytester.makepyfile("def test_has_a_database(concurrent_database): pass")
    pytester.makeini(DATABASE)
    assert "miss: the template would be built (it is the first)" in examined(pytester)[1]
    assert not (pytester.path / ".pytest_cache").exists()

    pytester.runpytest_subprocess(*on_workers(1)).assert_outcomes(passed=1)
    before = files(pytester.path)
    assert "✓ concurrent_database sqlite, hit: template " in examined(pytester)[1]
    assert files(pytester.path) == before

    schema.write_text(SCHEMA + "\n# edited\n")
    assert "(changed: schema.py" in examined(pytester)[1]

    monkeypatch.setenv("DJANGO_ENV", "production")
    code, text = examined(pytester)
    assert code == 1
    assert "✗ refused" in text
    assert "the suite would run sequentially" in text


def test_template_is_built_where_no_fork_could_build_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(schema=SCHEMA)
    pytester.makepyfile("def test_has_a_database(concurrent_database): pass")
    pytester.makeini(DATABASE)
    pytester.makeconftest(THREAD)
    code, text = examined(pytester)
    assert code == 0
    assert "the template would be built (it is the first)" in " ".join(text.split())
