"""Every way in which a test can end comes out as in a sequential run."""

from __future__ import annotations

import pytest

from .parity import Compare, on_workers

ENDINGS = """
import sys
import warnings

import pytest


@pytest.fixture
def broken():
    raise RuntimeError("set-up of broken")


@pytest.fixture
def breaks_later():
    print("set-up prints")
    yield
    print("teardown prints", file=sys.stderr)
    raise RuntimeError("teardown of breaks_later")


def test_passes():
    print("a passing test prints")


def test_fails():
    print("a failing test prints")
    print("and warns", file=sys.stderr)
    assert {"a": 1, "b": [1, 2, 3]} == {"a": 1, "b": [1, 2, 4]}


def test_set_up_fails(broken):
    pass


def test_teardown_fails(breaks_later):
    pass


def test_call_and_teardown_fail(breaks_later):
    raise ValueError("several\\nlines")


def test_fixture_is_missing(no_such_fixture):
    pass


def test_skips_itself():
    pytest.skip("for a reason")


@pytest.mark.skip(reason="marked")
def test_is_skipped():
    pass


@pytest.mark.skipif(True, reason="conditionally")
@pytest.mark.parametrize("number", range(3))
def test_is_skipped_if(number):
    pass


@pytest.mark.xfail(reason="known")
def test_xfails():
    assert False


@pytest.mark.xfail
def test_xpasses():
    pass


@pytest.mark.xfail(strict=True, reason="strictly")
def test_xpasses_strictly():
    pass


@pytest.mark.xfail(raises=ValueError)
def test_xfails_in_another_way():
    raise KeyError("other")


def test_xfails_imperatively():
    pytest.xfail("said so")


@pytest.mark.xfail(run=False, reason="not run")
def test_is_not_run():
    assert False


def test_fails_without_traceback():
    pytest.fail("no traceback", pytrace=False)


def test_fails_with_cause():
    try:
        {}["missing"]
    except KeyError as error:
        raise ValueError("from a cause") from error


def test_exits():
    sys.exit(3)


@pytest.mark.parametrize("value", ["a", "ä/ö", "", "a b", "x" * 30, None, 1.5, "\\x1b[1m"])
def test_parametrised(value):
    assert value != "a b"


class TestInClass:
    def test_method(self):
        assert [1] == [2], "with a message"

    @staticmethod
    def test_static():
        warnings.warn("in a static method")
"""


@pytest.fixture
def suite(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_endings=ENDINGS,
        test_short="def test_one(): pass\ndef test_two(): assert 0\n",
    )
    sub = pytester.mkpydir("sub")
    (sub / "test_below.py").write_text(ENDINGS.replace("RuntimeError", "OSError"))


XFAIL_TB = ["--xfail-tb"] if pytest.version_tuple >= (8, 3) else []
OPTIONS = [
    ("-v",),
    ("-q", "-rA", "--tb=short", "--show-capture=stdout"),
    ("-qq",),
    ("-vv", "-rA"),
    ("-rfEsxXpP", "--tb=line", *XFAIL_TB),
    ("--tb=native", "-l", "--runxfail"),
    ("--tb=no", "-ra", "-k", "fails and not known"),
    ("--no-summary", "--no-header", "-p", "no:warnings"),
    ("-s", "-W", "error", "-rf", "-o", "console_output_style=count"),
    ("--deselect=test_endings.py::test_fails", "-rN", "--import-mode=importlib"),
]


@pytest.mark.usefixtures("suite")
@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
def test_options_change_both_alike(compare: Compare, options: tuple[str, ...]) -> None:
    compare(*options)


@pytest.mark.usefixtures("suite")
def test_colourless_output_is_equal(compare: Compare) -> None:
    compare("-rA", "--color=no")


@pytest.mark.usefixtures("suite")
def test_number_of_workers_shows_nowhere(compare: Compare) -> None:
    compare("-rA", workers=(1, 2, 3))


def durations(result: pytest.RunResult) -> list[list[str]]:
    """The phases and tests of the table, without their seconds."""
    lines = [line.split()[1:] for line in result.stdout.lines if "s " in line[:10]]
    return sorted(line for line in lines if line and line[0] in ("setup", "call", "teardown"))


@pytest.mark.usefixtures("suite")
def test_durations_list_the_same(pytester: pytest.Pytester) -> None:
    args = ("--durations=0", "-vv", "-p", "no:cacheprovider")
    sequential = durations(pytester.runpytest_subprocess(*args))
    assert len(sequential) > 100
    assert durations(pytester.runpytest_subprocess(*args, *on_workers(2))) == sequential


DEEP = """
import pytest
import warnings

class TestClass:
    # pytest warns of it, inside of pytest: the traceback has no frame of the suite.
    @pytest.fixture(scope="class", autouse=True)
    def wide(self): yield
    def test_one(self): pass

@pytest.fixture
def calls(request):
    return request.getfixturevalue("warns")

@pytest.fixture
def warns():
    warnings.warn("a warning")

def test_nested(calls): pass
"""


# Not `long`, which shows the lists of plugins that pluggy's functions have as arguments.
@pytest.mark.parametrize("style", ["short", "native"])
def test_tracebacks_of_fixtures_are_equal(
    pytester: pytest.Pytester, compare: Compare, style: str
) -> None:
    pytester.makepyfile(DEEP)
    assert compare("-W", "error", f"--tb={style}").code == 1
