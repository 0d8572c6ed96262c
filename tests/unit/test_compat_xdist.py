from __future__ import annotations

import os
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_concurrent.compat import xdist

NAMES = (
    "PYTEST_CONCURRENT",
    "PYTEST_CONCURRENT_RUN_ID",
    "PYTEST_CONCURRENT_SLOT",
    "PYTEST_XDIST_WORKER",
    "PYTEST_XDIST_WORKER_COUNT",
    "PYTEST_XDIST_TESTRUNUID",
)


@pytest.fixture
def worker(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A configuration that has become worker 1 of 4."""
    for name in NAMES:
        monkeypatch.setenv(name, "foreign")
    config = pytester.parseconfig()
    xdist.become_worker(config, 1, 4, "abc")
    return config


def test_environment_says_what_xdist_says(worker: Any) -> None:
    assert [os.environ[name] for name in NAMES] == ["1", "abc", "1", "gw1", "4", "abc"]


def test_workerinput_has_the_keys_of_xdist(worker: Any) -> None:
    assert worker.workerinput == {
        "workerid": "gw1",
        "workercount": 4,
        "testrunuid": "abc",
        "mainargv": sys.argv,
    }
    assert worker.workeroutput == {}


def test_xdist_itself_takes_it_for_a_worker(worker: Any, pytester: pytest.Pytester) -> None:
    theirs = pytest.importorskip("xdist")
    request = SimpleNamespace(config=worker)
    assert theirs.is_xdist_worker(request)
    assert theirs.get_xdist_worker_id(request) == "gw1"


def test_fixtures_name_worker_and_run(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_names(worker_id, testrun_uid):
            assert (worker_id, testrun_uid) == ("gw1", "abc")
        """
    )
    pytester.makeconftest(
        """
        def pytest_configure(config):
            config.workerinput = {"workerid": "gw1", "testrunuid": "abc"}
        """
    )
    pytester.runpytest_subprocess("-p", "no:xdist").assert_outcomes(passed=1)


def test_a_sequential_run_is_the_master(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_first(worker_id, testrun_uid, pytestconfig):
            assert worker_id == "master"
            pytestconfig.seen = testrun_uid

        def test_second(testrun_uid, pytestconfig):
            assert testrun_uid == pytestconfig.seen
            assert len(testrun_uid) == 32
        """
    )
    pytester.runpytest_subprocess("-p", "no:xdist").assert_outcomes(passed=2)
