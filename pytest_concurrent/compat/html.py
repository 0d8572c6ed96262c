"""The page of pytest-html, which lists tests in the order in which it hears of them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest


def restore_order(config: pytest.Config, place: Callable[[str], int]) -> None:
    """Have the page list tests as a sequential run would.

    Args:
        config: pytest's configuration.
        place: Where a node id stands in that order.
    """
    if "pytest_html" not in sys.modules:
        return
    for plugin in config.pluginmanager.get_plugins():
        if type(plugin).__module__.startswith("pytest_html."):
            report: Any = getattr(plugin, "_report", None)
            tests: dict[str, Any] = getattr(report, "data", {}).get("tests", {})
            ordered = sorted(tests.items(), key=lambda entry: place(entry[0]))
            tests.clear()
            tests.update(ordered)
