"""A run ends before its time as a sequential run does, and as exactly."""

from __future__ import annotations

from pathlib import Path

import pytest

from .parity import Compare, on_workers, told

FAILING = """
import pathlib
import pytest

@pytest.fixture
def broken():
    raise RuntimeError("broken")

@pytest.mark.parametrize("number", range(30))
def test_number(number, request):
    with open("started", "a") as file:
        file.write(f"{number}\\n")
    if number % 5 == 4:
        request.getfixturevalue("broken")
    assert number % 5 != 2
"""


@pytest.fixture
def failing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_some=FAILING)


def started() -> list[int]:
    path = Path("started")
    numbers = [int(line) for line in path.read_text().splitlines()]
    path.unlink()
    return numbers


@pytest.mark.spawned
@pytest.mark.usefixtures("failing")
@pytest.mark.parametrize("options", [("-x",), ("--maxfail=3",), ("--maxfail=4", "-v")])
def test_one_worker_stops_exactly(compare: Compare, options: tuple[str, ...]) -> None:
    told = compare(*options, workers=(1,))
    assert told.code == 1
    assert "stopping after" in "\n".join(told.ending)
    numbers = started()
    runs = numbers.count(0)
    assert runs > 1
    assert numbers == list(range(len(numbers) // runs)) * runs


@pytest.mark.usefixtures("failing")
def test_running_tests_only_outlive_the_stop(pytester: pytest.Pytester) -> None:
    """Three workers may each have begun one more test when the failure becomes known."""
    pytester.makepyfile(
        test_some="""
        import pathlib
        import time
        import pytest

        @pytest.mark.parametrize("number", range(60))
        def test_number(number):
            with open("started", "a") as file:
                file.write(f"{number}\\n")
            if number == 0:
                pathlib.Path("failed").touch()
                assert 0
            while not pathlib.Path("failed").exists():
                time.sleep(0.01)
            time.sleep(0.2)
        """
    )
    result = pytester.runpytest_subprocess("-x", *on_workers(3))
    numbers = started()
    assert len(numbers) <= 1 + 2 * 2
    outcomes = result.parseoutcomes()
    assert outcomes["failed"] == 1
    assert sum(outcomes.values()) == len(numbers)
    assert result.ret == 1


def test_unittest_failures_count(pytester: pytest.Pytester, compare: Compare) -> None:
    pytester.makepyfile(
        """
        import unittest

        class TestMany(unittest.TestCase):
            def test_a(self): self.fail("a")
            def test_b(self): raise RuntimeError("b")
            def test_c(self): self.fail("c")
        """
    )
    compare("--maxfail=2", workers=(1,))


EXITS = {
    "exit": ("pytest.exit('enough', returncode=9)", 9),
    "exit without code": ("pytest.exit('enough')", 2),
    "interrupt": ("raise KeyboardInterrupt", 2),
    "should stop": ("request.session.shouldstop = 'enough of it'", 2),
    "should fail": ("request.session.shouldfail = 'failed enough'", 1),
}


@pytest.mark.parametrize(("statement", "code"), EXITS.values(), ids=EXITS)
def test_test_ends_the_session(
    pytester: pytest.Pytester, compare: Compare, statement: str, code: int
) -> None:
    pytester.makepyfile(
        f"""
        import pytest

        def test_before(): pass

        def test_ends(request):
            print("printed")
            {statement}

        @pytest.mark.parametrize("number", range(20))
        def test_after(number): assert 0
        """
    )
    sequential = told(pytester, "sequential")
    assert sequential.code == code
    found = told(pytester, "workers", *on_workers(1))
    assert found.code == code
    # Among them an empty entry for the test that pytest was in the middle of.
    assert found.junit == sequential.junit
    assert found.ending[-1] == sequential.ending[-1]
    reasons = [line for line in sequential.ending if "!!!" in line]
    assert [line for line in found.ending if "!!!" in line] == reasons


def test_error_of_a_plugin_is_internal(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest

        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_protocol(item):
            yield
            if item.name == "test_breaks":
                raise LookupError("a bug of the plugin")
        """
    )
    pytester.makepyfile(
        """
        def test_one(): pass
        def test_breaks(): pass
        def test_two(): pass
        """
    )
    assert pytester.runpytest_subprocess().ret == pytest.ExitCode.INTERNAL_ERROR
    result = pytester.runpytest_subprocess(*on_workers(1))
    assert result.ret == pytest.ExitCode.INTERNAL_ERROR
    (result.stdout.str() + result.stderr.str()).index("a bug of the plugin")
    result.stdout.fnmatch_lines(["INTERNALERROR> *LookupError: a bug of the plugin*"])


def test_error_of_a_reporting_hook_is_internal(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        def pytest_runtest_logreport(report):
            if "breaks" in report.nodeid:
                raise LookupError("a bug of the plugin")
        """
    )
    pytester.makepyfile("def test_breaks(): pass\ndef test_two(): pass\n")
    assert pytester.runpytest_subprocess().ret == pytest.ExitCode.INTERNAL_ERROR
    result = pytester.runpytest_subprocess(*on_workers(2))
    assert result.ret == pytest.ExitCode.INTERNAL_ERROR
    result.stdout.fnmatch_lines(["INTERNALERROR> *LookupError: a bug of the plugin*"])


def test_reporting_plugin_may_stop(pytester: pytest.Pytester) -> None:
    """What hears reports hears them in the controller, and its wish counts."""
    pytester.makeconftest(
        """
        import pytest

        class Stopper:
            def pytest_sessionstart(self, session):
                self.session = session

            def pytest_runtest_logreport(self, report):
                if report.failed:
                    self.session.shouldstop = "seen enough"

        def pytest_configure(config):
            config.pluginmanager.register(Stopper())
        """
    )
    pytester.makepyfile(
        """
        import time
        import pytest

        @pytest.mark.parametrize("number", range(2000))
        def test_number(number):
            time.sleep(0.002)
            assert number
        """
    )
    result = pytester.runpytest_subprocess(*on_workers(1))
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*!!! Interrupted: seen enough !!!*"])
    assert result.parseoutcomes()["passed"] < 1900


def test_collection_errors_end_alike(pytester: pytest.Pytester, compare: Compare) -> None:
    pytester.makepyfile(test_bad="import no_such_module", test_good="def test_good(): pass")
    assert compare().code == pytest.ExitCode.INTERRUPTED
    assert compare("--continue-on-collection-errors", "-rA").code == 1


def test_nothing_to_run_ends_alike(pytester: pytest.Pytester, compare: Compare) -> None:
    pytester.makepyfile("def test_one(): pass")
    assert compare("-k", "zzz").code == pytest.ExitCode.NO_TESTS_COLLECTED
    assert compare("--collect-only", "-q", junit=False).code == 0
    assert compare("no_such_file.py", junit=False).code == pytest.ExitCode.USAGE_ERROR


TEARDOWN = """
import pathlib
import pytest

@pytest.fixture(scope="session")
def wide():
    yield
    pathlib.Path("wide-torn-down").write_text("")

@pytest.fixture
def narrow():
    yield
    raise RuntimeError("narrow teardown")

def test_first(wide, narrow):
    {body}

def test_second(wide):
    pass
"""


@pytest.mark.parametrize(
    ("body", "options", "code"),
    [
        ("pass", ("-x",), 1),
        ("pytest.exit('enough', returncode=42)", (), 42),
        ("raise KeyboardInterrupt", (), 2),
    ],
)
def test_wide_fixtures_are_torn_down_when_a_run_stops(
    pytester: pytest.Pytester, body: str, options: tuple[str, ...], code: int
) -> None:
    pytester.makepyfile(TEARDOWN.format(body=body))
    result = pytester.runpytest_subprocess("--concurrent", "--workers=1", *options)
    assert result.ret == code
    assert (pytester.path / "wide-torn-down").exists()


def test_stopping_raises_no_warning_of_ours(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    pytester.makepyfile("def test_fails():\n    assert 1 == 2\ndef test_other():\n    pass\n")
    result = pytester.runpytest_subprocess("-x", "--concurrent", "--workers=1")
    result.stdout.fnmatch_lines(["E*assert 1 == 2"])
    assert "died" not in result.stdout.str()


def test_failing_worker_start_is_told_once(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        "def pytest_concurrent_worker_start():\n    raise RuntimeError('no luck today')\n"
    )
    pytester.makepyfile("def test_one():\n    pass\ndef test_two():\n    pass\n")
    result = pytester.runpytest_subprocess("--concurrent", "--workers=2")
    assert result.ret == 3
    text = result.stdout.str() + result.stderr.str()
    assert "RuntimeError: no luck today" in text
    assert text.count("Traceback (most recent call last)") <= 3
