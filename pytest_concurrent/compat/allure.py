"""allure-pytest labels tests with their process, which it looked up when it was configured."""

from __future__ import annotations

import sys
from typing import Any

import pytest


def prepare(config: pytest.Config) -> None:
    """In a forked worker: label tests with this process, which has a lane of its own in reports."""
    utils: Any = sys.modules.get("allure_commons.utils")
    listener: Any = config.pluginmanager.getplugin("allure_listener")
    if utils is not None and hasattr(listener, "_thread"):
        listener._thread = utils.thread_tag()
