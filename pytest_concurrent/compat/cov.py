"""pytest-cov in workers.

A forked worker inherits the running measurement, and what it adds would end with it. It saves its
part beside the controller's, which combines all parts at the end, as after `multiprocessing`.

A spawned worker measures by itself: it has pytest-cov's own class for workers of pytest-xdist,
which saves to a file beside the controller's in the same way.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from typing import Any

import pytest

from pytest_concurrent.compat.losses import Losses


def prepare(config: pytest.Config) -> None:
    """In a forked worker: with `patch = fork` coverage has begun a measurement of its own here."""
    controller = _controller(config)
    coverage: Any = sys.modules.get("coverage")
    if controller is not None and coverage is not None:
        controller.cov = coverage.Coverage.current() or controller.cov


def start(config: pytest.Config) -> None:
    """In the controller, before workers exist: have it said when a part is lost."""
    if _controller(config) is not None:
        text = "the coverage of what it ran last is missing"
        config.pluginmanager.register(Losses(config, text))


class Checkpoints:
    """Writes down what a worker measured, test by test, so that little is lost if it dies.

    Writing is free for the first tenth of a second, which a small suite never uses up, and may
    take up to a twentieth of the time from there on. It costs 0.1 to 0.2 ms for a few files.

    Args:
        collector: coverage's collector of data.
    """

    _FREE = 0.1
    _SHARE = 0.05

    def __init__(self, collector: Any) -> None:
        self._collector = collector
        self._began = time.perf_counter()
        self._spent = 0.0

    def __call__(self) -> None:
        """A test is over."""
        now = time.perf_counter()
        if self._spent <= self._FREE + self._SHARE * (now - self._began):
            self._collector.flush_data()
            self._spent += time.perf_counter() - now


def checkpoints(config: pytest.Config) -> Checkpoints | None:
    """In a worker: to be called after each test; None where nothing is measured."""
    coverage: Any = getattr(_controller(config), "cov", None)
    collector: Any = getattr(coverage, "_collector", None)
    return Checkpoints(collector) if hasattr(collector, "flush_data") else None


def deaf(config: pytest.Config) -> list[object]:
    """The plugin, if it would fail where it is told of nodes: it has begun a run without any."""
    controller = _controller(config)
    if controller is None or hasattr(controller, "configure_node"):
        return []
    return [config.pluginmanager.getplugin("_cov")]


def save(config: pytest.Config) -> None:
    """In a worker, after its last test: keep what it measured."""
    coverage: Any = getattr(_controller(config), "cov", None)
    if coverage is not None:
        coverage.stop()
        coverage.save()


def input_of_worker() -> dict[str, Any]:
    """In the controller: what pytest-cov looks for in `workerinput` of a spawned worker."""
    return {
        "cov_master_host": socket.gethostname(),
        "cov_master_topdir": os.getcwd(),
        "cov_master_rsync_roots": [],
    }


def join(early_config: pytest.Config) -> None:
    """In a spawned worker, before pytest-cov starts: what others have saved is not to be erased."""
    if hasattr(early_config.known_args_namespace, "cov_append"):
        early_config.known_args_namespace.cov_append = True


def abstain(early_config: pytest.Config) -> None:
    """In a process that runs no test, before pytest-cov starts: nothing is measured here."""
    if hasattr(early_config.known_args_namespace, "cov_source"):
        early_config.known_args_namespace.cov_source = []


def _controller(config: pytest.Config) -> Any:
    return getattr(config.pluginmanager.getplugin("_cov"), "cov_controller", None)
