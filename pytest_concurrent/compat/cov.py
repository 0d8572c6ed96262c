"""pytest-cov in forked workers.

A worker inherits the running measurement, and what it adds would end with it. It saves its part
beside the controller's, which combines all parts at the end, as after `multiprocessing`.
"""

from __future__ import annotations

from typing import Any

import pytest


def save(config: pytest.Config) -> None:
    """In a worker, after its last test: keep what it measured."""
    plugin: Any = config.pluginmanager.getplugin("_cov")
    controller: Any = getattr(plugin, "cov_controller", None)
    coverage: Any = getattr(controller, "cov", None)
    if coverage is not None:
        coverage.stop()
        coverage.save()
