"""Tests that are no plain functions: unittest, doctest, items and reports of plugins."""

from __future__ import annotations

import pytest

from .parity import Compare, on_workers

UNITTEST = """
import unittest

LOG = []

def setUpModule():
    print("setUpModule")

def tearDownModule():
    print("tearDownModule")

class TestAll(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        print("setUpClass")
        cls.value = 1

    @classmethod
    def tearDownClass(cls):
        print("tearDownClass")

    def setUp(self):
        self.addCleanup(print, "cleanup")

    def test_passes(self): self.assertEqual(self.value, 1)
    def test_fails(self): self.assertEqual({"a": 1}, {"a": 2})
    def test_errors(self): raise RuntimeError("error")
    def test_skips(self): self.skipTest("reason")
    @unittest.skip("marked")
    def test_is_skipped(self): pass
    @unittest.expectedFailure
    def test_expected(self): self.fail("expected")
    @unittest.expectedFailure
    def test_unexpected(self): pass
    def test_cleanup_fails(self): self.addCleanup(lambda: 1 / 0)

class TestSetUpFails(unittest.TestCase):
    @classmethod
    def setUpClass(cls): raise RuntimeError("in setUpClass")
    def test_one(self): pass
    def test_two(self): pass

@unittest.skip("the whole class")
class TestSkipped(unittest.TestCase):
    def test_one(self): pass

class TestAsync(unittest.IsolatedAsyncioTestCase):
    async def test_async(self): self.assertTrue(await self.one())
    async def one(self): return 1

class TestOldStyle:
    def setup_class(cls): print("setup_class")
    def setup_method(self): print("setup_method")
    def teardown_method(self): print("teardown_method")
    def test_one(self): assert 0
    def test_two(self): pass
"""


def test_unittest_classes_are_equal(pytester: pytest.Pytester, compare: Compare) -> None:
    pytester.makepyfile(test_unit=UNITTEST)
    assert compare("-rA", workers=(1,)).code == 1
    # Which test's output holds what a class prints depends on the worker: so without output.
    compare("-rA", "--show-capture=no", "-p", "no:cacheprovider", workers=(3,))


def test_doctests_are_equal(pytester: pytest.Pytester, compare: Compare) -> None:
    pytester.makefile(
        ".txt", test_text=">>> 1 + 1\n3\n\n>>> print('a')\na\n", test_fine=">>> 1\n1\n"
    )
    pytester.makepyfile(
        module='''
        def double(x):
            """Doubles.

            >>> double(2)
            4
            >>> double("a")
            'ab'
            """
            return x * 2

        def fails():
            """
            >>> fails()
            Traceback (most recent call last):
            ValueError: no
            >>> 1 / 0
            """
            raise ValueError("no")

        def skipped():
            """
            >>> 1  # doctest: +SKIP
            2
            """
        '''
    )
    assert compare("--doctest-modules", "-rA").code == 1
    compare("--doctest-modules", "--doctest-report=ndiff", "--doctest-continue-on-failure", "-v")


ITEMS = """
import pytest


class Broken(Exception):
    pass


class TextFile(pytest.File):
    def collect(self):
        for number, line in enumerate(self.path.read_text().splitlines()):
            yield TextItem.from_parent(self, name=f"line {number}", line=line)


class TextItem(pytest.Item):
    def __init__(self, *, line, **kwargs):
        super().__init__(**kwargs)
        self.line = line
        self.add_marker("of_text")

    def runtest(self):
        self.add_report_section("call", "line", self.line)
        self.user_properties.append(("line", self.line))
        if self.line == "broken":
            raise Broken(self.line)
        if self.line == "skip":
            pytest.skip("as the line says")
        assert self.line != "wrong"

    def repr_failure(self, excinfo):
        if isinstance(excinfo.value, Broken):
            return f"broken: {excinfo.value.args[0]}"
        return super().repr_failure(excinfo)

    def reportinfo(self):
        return self.path, 0, f"text: {self.name}"


def pytest_collect_file(parent, file_path):
    if file_path.suffix == ".lines":
        return TextFile.from_parent(parent, path=file_path)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    report.of_plugin = {"item": item, "name": item.name, "numbers": (1, 2)}
    return report


def pytest_runtest_logreport(report):
    assert report.of_plugin["numbers"] == (1, 2)
    assert report.of_plugin["name"] in report.nodeid


def pytest_report_teststatus(report, config):
    if report.when == "call" and report.passed:
        return "great", "G", ("GREAT", {"blue": True})


def pytest_terminal_summary(terminalreporter, exitstatus, config):
    names = sorted(report.nodeid for report in terminalreporter.stats.get("great", []))
    terminalreporter.section("great tests")
    terminalreporter.write_line(" ".join(names))


def pytest_configure(config):
    config.addinivalue_line("markers", "of_text: a line of a text")
"""


def test_items_of_plugins_are_equal(pytester: pytest.Pytester, compare: Compare) -> None:
    pytester.makeconftest(ITEMS)
    pytester.makefile(".lines", one="fine\nwrong\nbroken", two="skip\nfine\nbroken")
    pytester.makepyfile("def test_function(): assert 0\n\ndef test_fine(): pass\n")
    # One warning says that the attribute of the reports that is no plain value became text.
    args = ("-rA", "-v", "-p", "no:warnings")
    assert compare(*args, workers=(1, 3)).code == 1


ASYNC = """
import asyncio
import inspect
import pytest

@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    if inspect.iscoroutinefunction(pyfuncitem.obj):
        names = pyfuncitem._fixtureinfo.argnames
        asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
        return True

@pytest.fixture(scope="session")
def loop():
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()
"""


def test_coroutines_are_equal(pytester: pytest.Pytester, compare: Compare) -> None:
    pytester.makeconftest(ASYNC)
    pytester.makepyfile(
        """
        import asyncio
        import pytest

        @pytest.mark.parametrize("number", range(5))
        async def test_async(number, tmp_path):
            await asyncio.sleep(0)
            assert number != 3

        def test_loop(loop):
            assert loop.run_until_complete(asyncio.sleep(0, 1)) == 1
        """
    )
    assert compare("-rA").code == 1


def test_exception_groups_are_equal(pytester: pytest.Pytester, compare: Compare) -> None:
    pytester.makepyfile(
        """
        import sys
        import pytest

        if sys.version_info < (3, 11):
            from exceptiongroup import ExceptionGroup

        class Unprintable(Exception):
            def __str__(self):
                raise RuntimeError("cannot be printed")

        class Huge:
            def __repr__(self):
                return "x" * 100_000

        def test_group():
            raise ExceptionGroup("several", [ValueError(1), KeyError("k")])

        def test_unprintable():
            raise Unprintable()

        def test_huge():
            assert Huge() == 1

        def test_recursion():
            def again(): again()
            again()

        def test_long_output():
            print("line\\n" * 50_000)
            assert 0
        """
    )
    assert compare("--tb=short").code == 1


def test_odd_attributes_become_text(pytester: pytest.Pytester) -> None:
    """What cannot leave the worker is said once, and no test fails for it."""
    pytester.makeconftest(
        """
        import pytest

        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_makereport(item, call):
            report = yield
            report.item = item
            report.lock = __import__("threading").Lock()
            return report

        def pytest_runtest_logreport(report):
            assert "test_one" in str(report.item)
            assert "lock" in str(report.lock)
        """
    )
    pytester.makepyfile(
        "import pytest\n@pytest.mark.parametrize('n', range(5))\ndef test_one(n): pass\n"
    )
    result = pytester.runpytest_subprocess(*on_workers(1))
    result.assert_outcomes(passed=5, warnings=2)
    text = result.stdout.str()
    assert "report attribute 'item'" in text
    assert "report attribute 'lock'" in text
    result = pytester.runpytest_subprocess("-W", "error", *on_workers(1))
    result.assert_outcomes(passed=5)
