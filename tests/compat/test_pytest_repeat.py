"""pytest-repeat's repetitions are tests of their own, spread over the workers."""

from __future__ import annotations

import pytest

from . import junit
from .modes import Compare

SUITE = """
import pytest

@pytest.mark.parametrize("letter", "ab")
def test_letter(letter): assert letter == "a"

@pytest.mark.repeat(2)
def test_marked(tmp_path): assert not list(tmp_path.iterdir())

class TestClass:
    @pytest.fixture(scope="class", autouse=True)
    def wide(self, request): yield
    def test_method(self): pass
"""


@pytest.mark.parametrize("scope", ["function", "class", "module", "session"])
def test_repetitions_are_equal(pytester: pytest.Pytester, compare: Compare, scope: str) -> None:
    pytester.makepyfile(SUITE)
    args = ("--count=3", f"--repeat-scope={scope}", junit.OPTION)
    told = compare(*args, plugins=["pytest_repeat"], read=junit.cases)
    assert told["forked"].totals["failed"] == 3
    assert told["forked"].totals["passed"] == 8
