"""xdist's fixtures, for suites that use them without xdist being installed."""

from __future__ import annotations

import os

import pytest

_RUN_ID = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def worker_id(request: pytest.FixtureRequest) -> str:
    """The slot's name, `gw0`; `master` in a sequential run."""
    workerinput = getattr(request.config, "workerinput", None)
    return str(workerinput["workerid"]) if workerinput else "master"


@pytest.fixture(scope="session")
def testrun_uid(request: pytest.FixtureRequest) -> str:
    """An id that all workers of this run share."""
    workerinput = getattr(request.config, "workerinput", None)
    if workerinput:
        return str(workerinput["testrunuid"])
    return request.config.stash.setdefault(_RUN_ID, os.urandom(16).hex())
