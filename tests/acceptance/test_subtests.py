"""Subtests count, fail and print as in a sequential run."""

from __future__ import annotations

import pytest

from .parity import Compare

CORE = pytest.mark.skipif(
    not hasattr(pytest, "Subtests"), reason="subtests are part of pytest from 9.0 on"
)

SUBTESTS = """
import pytest

@pytest.mark.parametrize("number", range(3))
def test_core(subtests, number):
    for i in range(4):
        with subtests.test(msg="number", i=i, text="a", nothing=None):
            print("inside", i)
            assert i != number

def test_all_pass(subtests):
    for i in range(3):
        with subtests.test(i=i):
            pass

def test_skips_and_xfails(subtests):
    with subtests.test("skipped"):
        pytest.skip("inside")
    with subtests.test("xfailed"):
        pytest.xfail("inside")
    with subtests.test():
        pass

def test_fails_itself(subtests):
    with subtests.test("one"):
        assert 0
    assert 1 == 2
"""

UNITTEST = """
import unittest

class TestSub(unittest.TestCase):
    def test_some_fail(self):
        for i in range(4):
            with self.subTest("message", i=i):
                self.assertNotEqual(i % 2, 1)

    def test_none_fails(self):
        for i in range(4):
            with self.subTest(i=i):
                pass

    def test_skip(self):
        with self.subTest(i=1):
            self.skipTest("inside")
"""


@CORE
@pytest.mark.parametrize("options", [("-rA",), ("-v",), ("-q", "-x")], ids=" ".join)
def test_core_subtests_are_equal(
    pytester: pytest.Pytester, compare: Compare, options: tuple[str, ...]
) -> None:
    pytester.makepyfile(test_core=SUBTESTS)
    assert compare(*options, workers=(1,)).code == 1
    if "-x" not in options:
        compare(*options, workers=(3,))


def test_unittest_subtests_are_equal(pytester: pytest.Pytester, compare: Compare) -> None:
    pytester.makepyfile(test_sub=UNITTEST)
    # Not -rA: pytest's own letters for subtests end in the output of the test that it captures.
    assert compare("-rf", workers=(1, 2)).code == 1


@CORE
def test_parent_of_failed_subtests_fails(pytester: pytest.Pytester) -> None:
    """The count behind it is kept by the worker, but told by the controller."""
    pytester.makepyfile(test_core=SUBTESTS)
    result = pytester.runpytest_subprocess("--concurrent", "--workers=2", "-v")
    result.stdout.fnmatch_lines(["*test_core*0* FAILED*"])
    assert "test_core[0] PASSED" not in result.stdout.str()
