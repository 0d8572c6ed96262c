"""pytest-cov in forked workers.

A worker inherits the running measurement, and what it adds would end with it. It saves its part
beside the controller's, which combines all parts at the end, as after `multiprocessing`.
"""

from __future__ import annotations

import sys
from typing import Any

import pytest


def prepare(config: pytest.Config) -> None:
    """In a forked worker: with `patch = fork` coverage has begun a measurement of its own here."""
    controller = _controller(config)
    coverage: Any = sys.modules.get("coverage")
    if controller is not None and coverage is not None:
        controller.cov = coverage.Coverage.current() or controller.cov


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


def _controller(config: pytest.Config) -> Any:
    return getattr(config.pluginmanager.getplugin("_cov"), "cov_controller", None)
