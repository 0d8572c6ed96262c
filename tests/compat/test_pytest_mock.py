"""pytest-mock's fixtures of every scope patch and put back as in a sequential run."""

from __future__ import annotations

import pytest

from . import junit
from .modes import Compare

SUITE = """
import os
import time

import pytest

@pytest.fixture(scope="module", autouse=True)
def wide(module_mocker, session_mocker):
    module_mocker.patch("os.getlogin", return_value="nobody")

@pytest.mark.parametrize("number", range(6))
def test_patch(mocker, number):
    mocked = mocker.patch("os.getcwd", return_value=number)
    assert os.getcwd() == number
    assert os.getlogin() == "nobody"
    mocked.assert_called_once_with()

def test_put_back(): assert isinstance(os.getcwd(), str)

class TestSpy:
    def double(self, number): return 2 * number

    def test_spy(self, mocker):
        spy = mocker.spy(self, "double")
        self.double(4)
        assert spy.spy_return == 8

    def test_wrong_call(self, mocker):
        stub = mocker.stub(name="stub")
        stub("a", key=1)
        stub.assert_called_once_with("b", key=2)

def test_stopall(mocker):
    mocker.patch.dict(os.environ, MOCKED="1")
    mocker.stopall()
    assert "MOCKED" not in os.environ
"""


def test_mocks_and_their_failures_are_equal(pytester: pytest.Pytester, compare: Compare) -> None:
    pytester.makepyfile(test_one=SUITE, test_two=SUITE)
    told = compare(junit.OPTION, plugins=["pytest_mock"], read=junit.cases)
    assert told["forked"].totals == {"passed": 18, "failed": 2}
    assert "Actual: stub" in told["forked"].text
