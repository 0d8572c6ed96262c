"""The hooks that this plugin offers."""

from __future__ import annotations

import pytest


def pytest_concurrent_worker_start(config: pytest.Config, worker: str) -> None:
    """Called in each worker before its first test.

    Any conftest file and plugin can implement it. The place to open what must not be shared
    between processes.

    Args:
        config: pytest's configuration, with `workerinput` as under xdist.
        worker: The slot's name, `gw0`. A replacement has the name of its predecessor.
    """


def pytest_concurrent_worker_finish(config: pytest.Config, worker: str) -> None:
    """Called in each worker after its last test and the teardown of all fixtures.

    Not called when the worker dies.

    Args:
        config: pytest's configuration.
        worker: The slot's name.
    """


@pytest.hookspec(firstresult=True)
def pytest_concurrent_estimate(item: pytest.Item) -> float | None:
    """Say how many seconds a test will take, in place of what was measured.

    Called in the controller, once for each collected test. The first answer that is not None
    counts; None leaves it to the timings.

    Args:
        item: The test.
    """


@pytest.hookspec(firstresult=True)
def pytest_concurrent_group(item: pytest.Item) -> str | None:
    """Say which group a test belongs to, as the mark `concurrent_group` does.

    Called in the controller, once for each collected test that has no such mark. Tests of one
    group run one after another on one worker.

    Args:
        item: The test.
    """


def pytest_concurrent_databases(config: pytest.Config) -> list[object] | None:
    """Name databases that are to be built once and cloned for each worker, without Django.

    Called in the controller, once, in `pytest_configure`; so it is to be implemented in a plugin
    or a conftest file that pytest starts with.

    Args:
        config: pytest's configuration.

    Returns:
        `pytest_concurrent.databases.specs.TemplateSpec` objects.
    """
