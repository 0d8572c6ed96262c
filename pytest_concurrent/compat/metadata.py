"""pytest-metadata expects each worker to tell its own, which it gathers when it is configured."""

from __future__ import annotations

import sys
from typing import Any

import pytest


def prepare(config: pytest.Config) -> None:
    """In a forked worker: what was gathered before the fork is its own too."""
    module: Any = sys.modules.get("pytest_metadata.plugin")
    key: Any = getattr(module, "metadata_key", None)
    if key is not None and key in config.stash:
        shaped: Any = config
        shaped.workeroutput["metadata"] = dict(config.stash[key])
