"""Which order the user or a plugin asked for, and the order in which a run is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from _pytest.fixtures import reorder_items
from _pytest.junitxml import xml_key

from pytest_concurrent.compat import html

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


class TellingOrder:
    """Puts what the terminal, the JUnit file and HTML pages will list into collection order.

    Tests end in another order in each run; a report that says the same should read the same.

    Args:
        config: pytest's configuration.
        items: The tests, by number.
    """

    def __init__(self, config: pytest.Config, items: Sequence[pytest.Item]) -> None:
        self._config = config
        self._numbers = {item.nodeid: number for number, item in enumerate(items)}
        log = config.stash.get(xml_key, None)
        self._junit: list[Any] | None = None if log is None else log.node_reporters_ordered
        # A finished entry of the file forgets whose it is: who was told when is kept here.
        self._told = [-1] * len(self._junit or [])

    def told(self, number: int) -> None:
        """A test was told to everybody."""
        if self._junit is not None:
            self._told += [number] * (len(self._junit) - len(self._told))

    def restore(self) -> None:
        """Sort. Call it when everything was told."""
        reporter: Any = self._config.pluginmanager.getplugin("terminalreporter")
        for reports in getattr(reporter, "stats", {}).values():
            reports.sort(key=self._place)
        if self._junit is not None:
            self.told(-1)
            paired = sorted(zip(self._told, self._junit, strict=True), key=lambda pair: pair[0])
            self._junit[:] = [entry for _, entry in paired]
        html.restore_order(self._config, lambda nodeid: self._numbers.get(nodeid, -1))

    def _place(self, report: Any) -> int:
        number = getattr(report, "item_index", None)
        if number is None:
            number = self._numbers.get(getattr(report, "nodeid", None) or "", -1)
        return int(number)
