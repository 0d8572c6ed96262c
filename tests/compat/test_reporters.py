"""Reporters that stand in for pytest's own hear every test once."""

from __future__ import annotations

import re

import pytest

from . import junit
from .modes import MODES, WORKERS, Compare, Runner

SUITE = """
import pytest

@pytest.mark.parametrize("number", range(8))
def test_number(number): assert number != 5

@pytest.mark.skip(reason="not now")
def test_skipped(): pass

@pytest.fixture
def broken(): raise OSError("no set-up")

def test_error(broken): pass
"""


@pytest.fixture(autouse=True)
def suite(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_one=SUITE, test_two=SUITE)


def results(text: str) -> list[str]:
    """What sugar says at the end, without times."""
    summary, _, totals = text.partition("short test summary info")[2].partition("Results (")
    return [*summary.splitlines()[1:], *totals.splitlines()[1:]]


@pytest.mark.parametrize("options", [(), ("-v",)], ids=" ".join)
def test_sugar_says_the_same(runner: Runner, options: tuple[str, ...]) -> None:
    args = ("--force-sugar", "--color=no", *options, junit.OPTION)
    told = {mode: runner.run(mode, *args, plugins=["sugar"], read=junit.cases) for mode in MODES}
    first = told["sequential"]
    assert "14 passed" in first.text
    for mode in WORKERS:
        assert (told[mode].code, told[mode].read) == (first.code, first.read)
        assert results(told[mode].text) == results(first.text)
        # It tells of failures itself, in lines that it writes anew.
        assert not re.search(r"^(FAILED|ERROR) .* gw\d ", told[mode].text, re.MULTILINE)


def test_pretty_says_the_same(compare: Compare) -> None:
    told = compare(junit.OPTION, plugins=["pretty"], read=junit.cases)
    assert "Summary of Failures" in told["forked"].text


UNREGISTERED = """
import pytest

class Reporter:
    def __init__(self, config):
        self.config = config
        self.heard = []

    def pytest_runtest_logstart(self, nodeid): self.heard.append(("start", nodeid))
    def pytest_runtest_logreport(self, report):
        self.heard.append((report.when, report.outcome, report.nodeid))
    def pytest_runtest_logfinish(self, nodeid): self.heard.append(("finish", nodeid))

    def pytest_sessionfinish(self):
        with open("heard", "w") as file:
            for heard in sorted(self.heard):
                print(*heard, file=file)

@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    config.pluginmanager.unregister(config.pluginmanager.getplugin("terminalreporter"))
    config.pluginmanager.register(Reporter(config), "another-reporter")
"""


def test_reporter_of_another_name_hears_all(pytester: pytest.Pytester, compare: Compare) -> None:
    """Nobody answers to the name that pytest's reporter has."""
    pytester.makeconftest(UNREGISTERED)
    told = compare("-p", "no:logging", read=lambda folder: (folder / "heard").read_text())
    assert told["forked"].read.count("start") == 20
