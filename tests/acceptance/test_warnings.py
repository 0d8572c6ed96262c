"""The warnings summary says what a sequential run says."""

from __future__ import annotations

import sys

import pytest

from .parity import Compare, on_workers

WARNINGS = """
import warnings

import pytest

warnings.warn("while importing")


class Odd(UserWarning):
    def __init__(self, number, *, name):
        self.number = number
        self.name = name

    def __str__(self):
        return f"{self.number} of {self.name}"


class Picky(DeprecationWarning):
    def __new__(cls, one, two):
        return super().__new__(cls, one)

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


@pytest.fixture(scope="module")
def wide():
    warnings.warn("in a fixture", RuntimeWarning)
    yield
    warnings.warn("in a teardown", RuntimeWarning)


def test_odd():
    warnings.warn(Odd(1, name="a"))


def test_picky():
    warnings.warn(Picky("one", "two"))


def test_local():
    class Local(FutureWarning):
        pass

    warnings.warn("of a class made here", Local)


@pytest.mark.parametrize("number", range(4))
def test_the_same(number, wide):
    warnings.warn("several times")
    warnings.warn_explicit("elsewhere", UserWarning, "no/such/file.py", 7)


@pytest.mark.filterwarnings("ignore:unseen")
def test_filtered():
    warnings.warn("unseen")


@pytest.mark.filterwarnings("error")
def test_becomes_error():
    warnings.warn("an error")


def test_is_expected():
    with pytest.warns(UserWarning, match="expected"):
        warnings.warn("expected")


def test_resource():
    warnings.warn("lines\\nof several", ResourceWarning)


@pytest.mark.no_such_mark
def test_unknown_mark():
    return 1
"""


@pytest.fixture(autouse=True)
def suite(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_warn=WARNINGS)
    pytester.makeconftest("import warnings\nwarnings.warn('in a conftest')\n")


def test_summary_is_equal(compare: Compare) -> None:
    # With one worker, since a module's fixture warns where its set-up happens.
    told = compare(workers=(1,))
    text = "\n".join(told.ending)
    assert "Odd: 1 of a" in text
    assert "Picky: one and two" in text
    assert "Local: of a class made here" in text


def test_summary_of_single_tests_is_equal(compare: Compare) -> None:
    compare("--deselect=test_warn.py::test_the_same", "-W", "default", workers=(1, 3))


def test_warnings_of_collection_come_once(pytester: pytest.Pytester) -> None:
    result = pytester.runpytest_subprocess(*on_workers(3))
    text = result.stdout.str()
    assert text.count("UserWarning: while importing") == 1
    assert text.count("UserWarning: in a conftest") == 1


def test_hook_hears_each_warning_once(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        def pytest_warning_recorded(warning_message, when, nodeid, location):
            with open("heard", "a") as file:
                name = warning_message.category.__name__
                print(when, nodeid, name, warning_message.message, location, file=file)
        """
    )
    heard = []
    for args in [(), on_workers(1)]:
        pytester.runpytest_subprocess(*args)
        heard.append((pytester.path / "heard").read_text())
        (pytester.path / "heard").unlink()
    assert heard[0] == heard[1]


def test_fork_beside_a_thread_is_not_warned_of(pytester: pytest.Pytester) -> None:
    # Python does from 3.12 on, wherever such warnings are shown.
    pytester.makeconftest(
        """
        import threading

        threading.Thread(target=threading.Event().wait, daemon=True).start()
        """
    )
    pytester.makepyfile(test_warn="def test_it(concurrent_database):\n    pass")
    pytester.makepyfile(
        schema="""
        import sqlite3


        def make(url):
            with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
                connection.execute("create table t (a)")
        """
    )
    databases = ("-o", "concurrent_database=sqlite:///real.db")
    made_by = ("-o", "concurrent_database_setup=schema:make", "-o", "pythonpath=.")
    for start in ("fork", "spawn"):
        python = (sys.executable, "-W", "default", "-m", "pytest")
        result = pytester.run(*python, *on_workers(2, start), *databases, *made_by)
        result.assert_outcomes(passed=1)
        assert "multi-threaded" not in result.stdout.str() + result.stderr.str()
