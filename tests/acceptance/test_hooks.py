"""Which hook runs where, how often, and what plugins find there."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from .parity import entries, on_workers

SUITE = """
import pytest

@pytest.mark.parametrize("number", range(8))
def test_number(number): pass
"""

# Not the variable of xdist: to read that before the fork is noticed.
NOTING = """
import os

FILE = os.path.abspath("noted")

def note(*words):
    slot = os.environ.get("PYTEST_CONCURRENT_SLOT")
    worker = "controller" if slot is None else f"gw{slot}"
    with open(FILE, "a") as file:
        print(worker, *words, file=file)
"""


def noted() -> list[list[str]]:
    return [line.split() for line in Path("noted").read_text().splitlines()]


def test_hooks_run_in_their_place(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SUITE)
    pytester.makeconftest(
        NOTING
        + """
def pytest_configure(config): note("configure")
def pytest_sessionstart(session): note("sessionstart")
def pytest_collection_modifyitems(items): note("modifyitems")
def pytest_runtest_logstart(nodeid): note("logstart", nodeid)
def pytest_runtest_setup(item): note("setup", item.nodeid)
def pytest_runtest_call(item): note("call", item.nodeid)
def pytest_runtest_teardown(item): note("teardown", item.nodeid)
def pytest_runtest_makereport(item): note("makereport", item.nodeid)
def pytest_runtest_logreport(report): note("logreport", report.nodeid)
def pytest_runtest_logfinish(nodeid): note("logfinish", nodeid)
def pytest_sessionfinish(session): note("sessionfinish")
def pytest_unconfigure(config): note("unconfigure")
"""
    )
    pytester.runpytest_subprocess(*on_workers(2))
    counts: Counter[tuple[bool, str]] = Counter()
    for worker, what, *_ in noted():
        counts[worker == "controller", what] += 1
    once = ("configure", "sessionstart", "modifyitems", "sessionfinish", "unconfigure")
    assert counts == {
        **{(True, name): 1 for name in once},
        **{(True, name): 8 for name in ("logstart", "logfinish")},
        (True, "logreport"): 24,
        **{(False, name): 8 for name in ("setup", "call", "teardown")},
        (False, "makereport"): 24,
    }


def test_conftest_hears_its_folder_only(pytester: pytest.Pytester) -> None:
    for name in ("a", "b"):
        folder = pytester.mkdir(name)
        (folder / f"test_{name}.py").write_text("def test_one(): pass\ndef test_two(): pass\n")
        (folder / "conftest.py").write_text(
            NOTING
            + f"def pytest_runtest_logreport(report): note('{name}', report.nodeid, report.when)\n"
        )
    heard = []
    for args in [(), on_workers(2)]:
        pytester.runpytest_subprocess(*args)
        heard.append(sorted(noted()))
        Path("noted").unlink()
    assert len(heard[0]) == 2 * 2 * 3
    assert heard[0] == heard[1]


def test_our_hooks_frame_each_worker(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SUITE)
    pytester.makeconftest(
        NOTING
        + """
import atexit
import pytest

atexit.register(note, "exit", "of", "controller")

def pytest_concurrent_worker_start(config, worker):
    assert config.workerinput["workerid"] == worker
    note("start", worker)
    atexit.register(note, "exit", worker)

def pytest_runtest_setup(item): note("test")

@pytest.fixture(scope="session", autouse=True)
def wide():
    yield
    note("torn")

def pytest_concurrent_worker_finish(config, worker): note("finish", worker)
"""
    )
    pytester.runpytest_subprocess(*on_workers(2)).assert_outcomes(passed=8)
    lines = noted()
    assert ["controller", "exit", "of", "controller"] in lines
    for name in ("gw0", "gw1"):
        own = [line[1:] for line in lines if line[0] == name]
        tests = own.count(["test"])
        end = [["torn"]] if tests else []
        assert own == [
            ["start", name],
            *[["test"]] * tests,
            *end,
            ["finish", name],
            ["exit", name],
        ]


def test_plugins_for_workers_finish_there(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SUITE)
    pytester.makeconftest(
        NOTING
        + """
class Aware:
    def pytest_sessionfinish(self, session):
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput["mine"] = 1
        note("aware", hasattr(session.config, "workerinput"))

def pytest_sessionfinish(session, exitstatus): note("unaware")

def pytest_configure(config): config.pluginmanager.register(Aware(), "aware")
"""
    )
    pytester.runpytest_subprocess(*on_workers(2))
    assert sorted(noted()) == [
        ["controller", "aware", "False"],
        ["controller", "unaware"],
        ["gw0", "aware", "True"],
        ["gw1", "aware", "True"],
    ]


NEXTITEM = """
import pytest

class Watcher:
    @pytest.hookimpl(trylast=True)
    def pytest_runtest_teardown(self, item, nextitem):
        if nextitem is None or item.path != nextitem.path:
            with open("last", "a") as file:
                file.write(item.nodeid + "\\n")

def pytest_configure(config):
    config.pluginmanager.register(Watcher())
"""


def test_idiom_of_next_items_works(pytester: pytest.Pytester) -> None:
    """`nextitem is None` means what it says where a plugin that we do not know looks at it."""
    pytester.makeconftest(NEXTITEM)
    for name in ("a", "b", "c"):
        pytester.makepyfile(**{f"test_{name}": "def test_one(): pass\ndef test_two(): pass\n"})
    for args in [(), on_workers(1)]:
        result = pytester.runpytest_subprocess(*args)
        result.assert_outcomes(passed=6)
        last = Path("last").read_text().split()
        assert last == [f"test_{name}.py::test_two" for name in "abc"]
        Path("last").unlink()
    pytester.runpytest_subprocess(*on_workers(3)).assert_outcomes(passed=6)


def test_estimates_and_groups_are_asked(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        NOTING
        + """
def pytest_concurrent_estimate(item): return 5.0 if "7" in item.name else None
def pytest_concurrent_group(item):
    return "even" if item.callspec.params["number"] % 2 == 0 else None

def pytest_runtest_call(item): note(item.callspec.params["number"])
"""
    )
    pytester.makepyfile(SUITE)
    pytester.runpytest_subprocess(*on_workers(2)).assert_outcomes(passed=8)
    lines = noted()
    assert len({worker for worker, number in lines if int(number) % 2 == 0}) == 1
    longest = next(worker for worker, number in lines if number == "7")
    # The group may have gone first, if its worker was the only one so far.
    odd = [number for worker, number in lines if worker == longest and int(number) % 2]
    assert odd[0] == "7"


BUILTIN = ["terminal", "cacheprovider", "logging", "warnings", "faulthandler", "tmpdir"]


@pytest.mark.parametrize("name", BUILTIN)
def test_builtin_plugins_may_be_off(pytester: pytest.Pytester, name: str) -> None:
    pytester.makepyfile("def test_one(): pass\ndef test_two(): assert 0\n")
    args = ("-p", f"no:{name}", "--junitxml=told.xml")
    result = pytester.runpytest_subprocess(*args, *on_workers(2))
    assert result.ret == 1, result.stderr.str()
    assert [entry[0] for entry in entries(pytester.path / "told.xml")].count("testcase") == 2
    assert "Traceback" not in result.stderr.str()
