"""Plugins for pytest-xdist hear of workers whether it is loaded, blocked or not there at all."""

from __future__ import annotations

import pytest

from .modes import WORKERS, Runner
from .xdist_suite import CONFTEST, heard, hooks_of

SUITE = """
import time
import pytest

@pytest.mark.parametrize("number", range(8))
def test_number(number):
    time.sleep(0.02)
"""

#: Loaded, blocked, and as if it were not installed.
PRESENCE = {"loaded": ["xdist"], "blocked": ["no:xdist"], "missing": []}

LIFE = ["newgateway", "configure_node", "ready", "collected", "down"]


@pytest.mark.parametrize("mode", WORKERS)
@pytest.mark.parametrize("plugins", PRESENCE.values(), ids=PRESENCE)
def test_hooks_tell_of_every_worker(
    pytester: pytest.Pytester, runner: Runner, plugins: list[str], mode: str
) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(SUITE)
    told = runner.run(mode, plugins=plugins)
    assert told.totals == {"passed": 8}, told.text
    lines = heard(told.folder)
    assert lines[0] == {"hook": "setupnodes", "ids": ["gw0", "gw1"], "popen": [True, True]}
    for number, slot in enumerate(("gw0", "gw1")):
        assert hooks_of(told.folder, slot) == LIFE
        (down,) = (one for one in lines if one["hook"] == "down" and one["id"] == slot)
        assert down["error"] is None
        assert down["output"]["mine"] == [slot, number, 120]
        assert down["output"]["exitstatus"] == 0
    reports = [one for one in lines if one["hook"] == "report"]
    assert len(reports) == 8
    assert all(one["node"] == one["worker"] in ("gw0", "gw1") for one in reports)


@pytest.mark.parametrize("mode", WORKERS)
def test_replacement_is_a_new_node_with_the_same_name(
    pytester: pytest.Pytester, runner: Runner, mode: str
) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(
        """
        import os, pytest

        @pytest.mark.xdist_group("all")
        @pytest.mark.parametrize("number", range(4))
        def test_number(number, pytestconfig):
            given = pytestconfig.workerinput["mine"]["number"]
            assert given == (0 if number < 2 else 1), given
            if number == 1:
                os.abort()
        """
    )
    told = runner.run(mode, "--workers=1")
    assert told.totals == {"failed": 1, "passed": 3}, told.text
    down = [one for one in heard(told.folder) if one["hook"] == "down" and one["id"] == "gw0"]
    assert [one["given"]["number"] for one in down] == [0, 1]
    assert "SIGABRT" in down[0]["error"]
    assert down[0]["output"] is None
    assert (down[1]["error"], down[1]["output"]["mine"]) == (None, ["gw0", 1, 120])
    assert hooks_of(told.folder, "gw0").count("configure_node") == 2


CRASH = """
def pytest_handlecrashitem(crashitem, report, sched):
    assert report.nodeid == crashitem and report.worker_id.startswith("gw")
    assert sched.config.rootpath
    if sched.config.getoption("verbose") == 0:
        report.outcome = "rerun"
        sched.mark_test_pending(crashitem)

def pytest_report_teststatus(report):
    if report.outcome == "rerun":
        return "rerun", "R", "RERUN"
"""
CRASHING = """
import os, pathlib

def test_dies_once():
    mark = pathlib.Path("died")
    if not mark.exists():
        mark.touch()
        os.abort()

def test_other(): pass
"""


@pytest.mark.parametrize("mode", WORKERS)
def test_crashed_test_runs_again_if_a_plugin_says_so(
    pytester: pytest.Pytester, runner: Runner, mode: str
) -> None:
    pytester.makeconftest(CRASH)
    pytester.makepyfile(CRASHING)
    told = runner.run(mode, "--junitxml=told.xml")
    assert told.totals == {"passed": 2, "rerun": 1}, told.text
    assert told.code == 0
    told = runner.run(mode, "-v")
    assert told.totals == {"passed": 1, "failed": 1}, told.text
    assert "died (SIGABRT)" in told.text


HELPERS = """
import xdist

def pytest_sessionstart(session):
    assert xdist.is_xdist_controller(session) == EXPECTED
    assert xdist.get_xdist_worker_id(session) == "master"

def pytest_sessionfinish(session):
    if not xdist.is_xdist_worker(session):
        assert xdist.is_xdist_controller(session) == EXPECTED
        print("checked")
"""
ASKING = """
import os, xdist

def test_names(request, worker_id, testrun_uid):
    assert xdist.is_xdist_worker(request) == ("PYTEST_CONCURRENT_SLOT" in os.environ)
    assert not xdist.is_xdist_controller(request)
    assert xdist.get_xdist_worker_id(request) == worker_id
"""


@pytest.mark.parametrize("mode", ["sequential", "forked"])
def test_helpers_of_xdist_say_the_truth(
    pytester: pytest.Pytester, runner: Runner, mode: str
) -> None:
    pytester.makeconftest(f"EXPECTED = {mode != 'sequential'}\n{HELPERS}")
    pytester.makepyfile(ASKING)
    told = runner.run(mode, plugins=["xdist"])
    assert (told.code, told.totals) == (0, {"passed": 1}), told.text
    assert "checked" in told.text


@pytest.mark.parametrize("args", [("-n2",), ("--dist=loadfile", "--tx=2*popen"), ("-d", "-n1")])
def test_both_at_once_are_refused(
    pytester: pytest.Pytester, runner: Runner, args: tuple[str, ...]
) -> None:
    pytester.makepyfile(SUITE)
    told = runner.run("forked", *args, plugins=["xdist"])
    assert told.code == pytest.ExitCode.USAGE_ERROR
    assert "drop -n and --dist, or drop --concurrent" in told.text


def test_scheduler_of_xdist_is_not_asked(pytester: pytest.Pytester, runner: Runner) -> None:
    pytester.makeconftest("def pytest_xdist_make_scheduler(config, log): raise OSError")
    pytester.makepyfile(SUITE)
    told = runner.run("forked", plugins=["xdist"])
    assert told.totals == {"passed": 8}, told.text
    assert told.text.count("pytest_xdist_make_scheduler of ") == 1


def test_number_of_workers_is_asked(pytester: pytest.Pytester, runner: Runner) -> None:
    pytester.makepyfile(SUITE)
    args = ("--workers=auto",)
    variable = {"PYTEST_XDIST_AUTO_NUM_WORKERS": "3"}
    told = runner.run("forked", *args, plugins=["xdist"], env=variable)
    assert "concurrent: 3 workers (PYTEST_XDIST_AUTO_NUM_WORKERS)" in told.text
    pytester.makeconftest("def pytest_xdist_auto_num_workers(config): return 4")
    for plugins in PRESENCE.values():
        told = runner.run("forked", *args, plugins=plugins, env=variable)
        assert "concurrent: 4 workers (pytest_xdist_auto_num_workers)" in told.text


def test_xdist_loaded_changes_nothing(pytester: pytest.Pytester, runner: Runner) -> None:
    pytester.makepyfile(SUITE)
    without, beside = (runner.run("forked", "-v", plugins=plugins) for plugins in ([], ["xdist"]))
    assert without.totals == beside.totals == {"passed": 8}
    assert "[gw" not in beside.text
