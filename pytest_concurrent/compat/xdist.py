"""What plugins and suites that know pytest-xdist look for in a worker."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest


def become_worker(config: pytest.Config, slot: int, workers: int, run_id: str) -> None:
    """Make this process look like an xdist worker: environment, `workerinput`, `workeroutput`."""
    name = f"gw{slot}"
    os.environ.update(
        PYTEST_CONCURRENT="1",
        PYTEST_CONCURRENT_RUN_ID=run_id,
        PYTEST_CONCURRENT_SLOT=str(slot),
        PYTEST_XDIST_WORKER=name,
        PYTEST_XDIST_WORKER_COUNT=str(workers),
        PYTEST_XDIST_TESTRUNUID=run_id,
    )
    shaped: Any = config
    shaped.workerinput = {
        "workerid": name,
        "workercount": workers,
        "testrunuid": run_id,
        "mainargv": sys.argv,
    }
    shaped.workeroutput = {}
