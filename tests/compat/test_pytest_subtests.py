"""Subtests, those of pytest-subtests where pytest has none of its own."""

from __future__ import annotations

import pytest

from . import junit
from .modes import Compare

SUITE = """
import unittest

import pytest

@pytest.mark.parametrize("number", range(4))
def test_subtests(subtests, number):
    for part in range(3):
        with subtests.test(msg="part", part=part, number=number):
            print("in", part)
            assert part * number != 2

def test_skips(subtests):
    with subtests.test("skipped"):
        pytest.skip("not now")
    with subtests.test("expected"):
        pytest.xfail("known")

class TestUnit(unittest.TestCase):
    def test_parts(self):
        for part in range(4):
            with self.subTest("part", part=part):
                self.assertLess(part, 3)
"""


@pytest.mark.parametrize("options", [(), ("-v",), ("-rA",)], ids=" ".join)
def test_subtests_are_equal(
    pytester: pytest.Pytester, compare: Compare, options: tuple[str, ...]
) -> None:
    pytester.makepyfile(SUITE)
    args = (*options, junit.OPTION)
    told = compare(*args, plugins=["subtests"], read=junit.cases)
    assert told["forked"].totals["failed"] >= 3
