"""What plugins need in a worker that started pytest by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from pytest_concurrent.compat import benchmark, rerunfailures, timeout

#: What the controller does alone, for all workers: options that must not be set here.
NOT_OURS: Mapping[str, object] = {
    "benchmark_only": False,
    "clean_alluredir": False,
    "store_durations": False,
}


def prepare(config: pytest.Config, options: Mapping[str, Any]) -> None:
    """When all plugins are configured.

    Args:
        config: pytest's configuration.
        options: The options as the controller has them.
    """
    benchmark.enable(config, only=bool(options.get("benchmark_only")))
    benchmark.start(config)
    rerunfailures.prepare(config)
    timeout.start(config)
