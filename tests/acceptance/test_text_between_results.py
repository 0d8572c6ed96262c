"""What pytest writes while a test runs stands where a sequential run writes it."""

from __future__ import annotations

from collections import Counter

import pytest

from .parity import on_workers, told, whole

SUITE = """
import logging

import pytest

log = logging.getLogger("mine")


@pytest.fixture(scope="session")
def widest():
    log.info("widest up")
    yield
    log.info("widest down")


@pytest.fixture(scope="module", params=[1, 2])
def wide(request, widest):
    log.info("wide up")
    yield request.param
    log.warning("wide down")


@pytest.fixture
def narrow(wide):
    log.warning("narrow up")
    yield wide
    log.error("narrow down")


def test_one(narrow):
    "Says something."
    log.info("in one")


def test_two(narrow):
    log.critical("in two")
    assert narrow == 2


@pytest.mark.skip(reason="not now")
def test_skipped():
    pass


def test_terminal(request):
    terminal = request.config.pluginmanager.get_plugin("terminalreporter")
    with request.config.pluginmanager.get_plugin("capturemanager").global_and_fixture_disabled():
        terminal.write_line("a whole line")
        terminal.write("begun, ")
        terminal.write_sep("-", "title")
        terminal.ensure_newline()
        terminal.section("section")
        terminal.line("last")


def test_fails_late(narrow):
    pytest.fail("late")
"""

OPTIONS = [
    ("--setup-show",),
    ("--setup-plan",),
    ("--log-cli-level=INFO",),
    ("-o", "log_cli=true"),
    ("--setup-show", "--log-cli-level=INFO", "--log-cli-format=%(levelname)s %(message)s", "-vv"),
]


@pytest.fixture
def suite(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_first=SUITE, test_second=SUITE)


@pytest.mark.usefixtures("suite")
@pytest.mark.parametrize("start", ["fork", "spawn"])
@pytest.mark.parametrize("options", OPTIONS, ids=" ".join)
def test_one_worker_writes_the_same(
    pytester: pytest.Pytester, options: tuple[str, ...], start: str
) -> None:
    # Without -v failures have lines of ours among the letters; pytest-django has fixtures of its
    # own for every test.
    args = ("-v", "-p", "no:django", *options)
    sequential = told(pytester, "sequential", *args, junit=False)
    found = told(pytester, "workers", *args, *on_workers(1, start), junit=False)
    assert whole(found) == whole(sequential)


@pytest.mark.usefixtures("suite")
def test_every_set_up_shown_is_torn_down(pytester: pytest.Pytester) -> None:
    """Also one that a worker tears down after its last test, while others still run."""
    args = ("--setup-show", "-v", "-p", "no:django", *on_workers(3))
    shown: Counter[tuple[str, str]] = Counter()
    for line in pytester.runpytest_subprocess(*args).stdout.lines:
        words = line.split()
        if words and words[0] in ("SETUP", "TEARDOWN"):
            shown[words[0], words[2].partition("[")[0]] += 1
    ups = {name: count for (what, name), count in shown.items() if what == "SETUP"}
    assert {"widest", "wide", "narrow"} <= ups.keys()
    assert ups == {name: count for (what, name), count in shown.items() if what == "TEARDOWN"}
