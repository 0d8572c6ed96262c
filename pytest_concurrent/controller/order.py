"""Which order the user or a plugin asked for, and the order in which a run is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from _pytest.fixtures import reorder_items
from _pytest.junitxml import xml_key

#: Options that mean an order.
_ORDERING_OPTIONS = ("failedfirst", "newfirst", "stepwise")


def is_asked_for(config: pytest.Config) -> bool:
    """Whether an option asks for the order of tests."""
    return any(config.getoption(name, False) for name in _ORDERING_OPTIONS)


def was_changed(before: Sequence[pytest.Item], after: Sequence[pytest.Item]) -> bool:
    """Whether something other than pytest's own sorting by fixtures put the tests in this order."""
    kept = set(after)
    natural = [item for item in before if item in kept]
    if len(natural) != len(after):
        return True
    return natural != list(after) and reorder_items(natural) != list(after)


def as_collected(config: pytest.Config, items: Sequence[pytest.Item]) -> None:
    """Put what the terminal and the JUnit file will list into collection order.

    Tests end in another order in each run; a report that says the same should read the same.
    """
    numbers = {item.nodeid: number for number, item in enumerate(items)}

    def place(report: Any) -> int:
        number = getattr(report, "item_index", None)
        if number is None:
            number = numbers.get(getattr(report, "nodeid", None) or "", -1)
        return int(number)

    reporter: Any = config.pluginmanager.getplugin("terminalreporter")
    for reports in getattr(reporter, "stats", {}).values():
        reports.sort(key=place)
    log = config.stash.get(xml_key, None)
    if log is not None:
        log.node_reporters_ordered.sort(key=lambda node: numbers.get(node.id, -1))
