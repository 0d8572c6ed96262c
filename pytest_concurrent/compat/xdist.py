"""What plugins and suites that know pytest-xdist look for in a worker."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest

from pytest_concurrent.compat import xdist_hooks

_AUTO_HOOK = "pytest_xdist_auto_num_workers"
_AUTO_VARIABLE = "PYTEST_XDIST_AUTO_NUM_WORKERS"


def become_worker(
    config: pytest.Config,
    slot: int,
    workers: int,
    run_id: str,
    given: dict[str, Any] | None = None,
) -> None:
    """Make this process look like an xdist worker: environment, `workerinput`, `workeroutput`.

    Args:
        config: pytest's configuration.
        slot: The worker's place.
        workers: Number of slots.
        run_id: The run's id.
        given: What `workerinput` is; None where no plugin had a say in it.
    """
    os.environ.update(environment(slot, workers, run_id))
    shaped: Any = config
    shaped.workerinput = given or workerinput(slot, workers, run_id)
    shaped.workeroutput = {}
    distribute(config, "no")


def environment(slot: int, workers: int, run_id: str) -> dict[str, str]:
    """The variables that tell a worker and all that it starts who it is."""
    return {
        "PYTEST_CONCURRENT": "1",
        "PYTEST_CONCURRENT_RUN_ID": run_id,
        "PYTEST_CONCURRENT_SLOT": str(slot),
        "PYTEST_XDIST_WORKER": f"gw{slot}",
        "PYTEST_XDIST_WORKER_COUNT": str(workers),
        "PYTEST_XDIST_TESTRUNUID": run_id,
    }


def workerinput(slot: int, workers: int, run_id: str) -> dict[str, Any]:
    """What `config.workerinput` is in a worker."""
    return {
        "workerid": f"gw{slot}",
        "workercount": workers,
        "testrunuid": run_id,
        "mainargv": sys.argv,
    }


def distribute(config: pytest.Config, mode: str) -> None:
    """Set what `xdist.is_xdist_controller` looks at, if pytest-xdist is loaded.

    To be called when plugins are configured: earlier pytest-xdist would take the session over, and
    others would prepare for it.

    Args:
        config: pytest's configuration.
        mode: "load" in a controller that has workers, else "no".
    """
    if config.pluginmanager.hasplugin("xdist"):
        config.option.dist = mode


def auto_workers(config: pytest.Config) -> tuple[int, str] | None:
    """How many workers `auto` stands for where somebody says so as for pytest-xdist; and who does.

    Raises:
        pytest.UsageError: What was said is no number.
    """
    if any(xdist_hooks.implementations(config, _AUTO_HOOK)):
        theirs = config.pluginmanager.getplugin("xdist")
        hook = config.pluginmanager.subset_hook_caller(_AUTO_HOOK, [theirs])
        said, source = hook(config=config), _AUTO_HOOK
    else:
        said, source = os.environ.get(_AUTO_VARIABLE) or None, _AUTO_VARIABLE
    if said is None:
        return None
    try:
        return max(1, int(said)), source
    except (TypeError, ValueError):
        raise pytest.UsageError(f"{source} says {said!r}, expected a number of workers") from None
