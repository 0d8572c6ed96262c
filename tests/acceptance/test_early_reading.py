"""A suite that asks for its worker's name before there are workers does not share the answer."""

from __future__ import annotations

import pytest

from .parity import on_workers

SETTINGS = """
import os

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "none")
"""

TESTS = """
import os
import settings

def test_one():
    assert settings.WORKER == os.environ.get("PYTEST_XDIST_WORKER", "none")
"""

LATE = """
import os
import pytest

@pytest.fixture(scope="session")
def port():
    return 9000 + int(os.environ["PYTEST_XDIST_WORKER"][2:])

def test_one(port): assert port in (9000, 9001)
def test_two(port): assert port in (9000, 9001)
"""


@pytest.fixture
def reading_early(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(settings=SETTINGS, test_some=TESTS)
    pytester.makeconftest("import settings")


@pytest.mark.usefixtures("reading_early")
def test_line_is_named_and_workers_read_for_themselves(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess(*on_workers(2))
    result.assert_outcomes(passed=1)
    place = f"{pytester.path / 'settings.py'}:3"
    lines = [line for line in result.stdout.lines if line.startswith("concurrent: ")]
    assert len(lines) == 1
    assert f"spawn ({place} reads PYTEST_XDIST_WORKER" in lines[0]


@pytest.mark.usefixtures("reading_early")
def test_fork_may_be_insisted_on(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess("--concurrent-start=fork", *on_workers(2))
    result.assert_outcomes(failed=1)
    assert "reads PYTEST_XDIST_WORKER" not in result.stdout.str()


def test_reading_in_fixtures_is_fine(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_late=LATE)
    result = pytester.runpytest_subprocess(*on_workers(2))
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["concurrent: 2 workers*fork*"])


@pytest.mark.usefixtures("reading_early")
def test_plain_run_says_nothing(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=1)
    assert "concurrent:" not in result.stdout.str()
