from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from _pytest.junitxml import xml_key

from pytest_concurrent.controller.order import TellingOrder, is_asked_for, was_changed

TESTS = "def test_a(): pass\ndef test_b(): pass\ndef test_c(): pass"
SHARED = """
import pytest

@pytest.fixture(scope="module", params=["x", "y"])
def shared(request): pass

def test_a(shared): pass
def test_b(shared): pass
"""


@pytest.fixture
def items(pytester: pytest.Pytester) -> list[pytest.Item]:
    return pytester.getitems(TESTS)


@pytest.mark.parametrize(
    ("args", "asked"),
    [((), False), (("--ff",), True), (("--nf",), True), (("--sw",), True), (("--lf",), False)],
)
def test_options_that_mean_an_order_are_seen(
    pytester: pytest.Pytester, args: tuple[str, ...], asked: bool
) -> None:
    assert is_asked_for(pytester.parseconfig(*args)) is asked


def test_what_stayed_is_no_order(items: list[pytest.Item]) -> None:
    assert not was_changed(items, items.copy())


def test_deselection_is_no_order(items: list[pytest.Item]) -> None:
    assert not was_changed(items, [items[0], items[2]])


def test_reversal_is_an_order(items: list[pytest.Item]) -> None:
    assert was_changed(items, items[::-1])


def test_an_added_test_is_an_order(items: list[pytest.Item]) -> None:
    assert was_changed(items[:2], items)


def test_sorting_by_fixtures_is_no_order(pytester: pytest.Pytester) -> None:
    by_test = sorted(pytester.getitems(SHARED), key=lambda item: item.name)
    by_fixture = [by_test[0], by_test[2], by_test[1], by_test[3]]
    assert [item.name for item in by_fixture] == [
        "test_a[x]",
        "test_b[x]",
        "test_a[y]",
        "test_b[y]",
    ]
    assert not was_changed(by_test, by_fixture)


def test_terminal_lists_in_collection_order(
    pytester: pytest.Pytester, items: list[pytest.Item]
) -> None:
    config = pytester.parseconfigure()
    reporter: Any = config.pluginmanager.getplugin("terminalreporter")
    foreign = SimpleNamespace(nodeid="elsewhere")
    late = SimpleNamespace(nodeid=items[2].nodeid, item_index=2)
    early = SimpleNamespace(nodeid=items[0].nodeid, item_index=0)
    unnumbered = SimpleNamespace(nodeid=items[1].nodeid)
    reporter.stats["failed"] = [late, unnumbered, early, foreign]
    TellingOrder(config, items).restore()
    assert reporter.stats["failed"] == [foreign, early, unnumbered, late]


def test_junit_entries_come_in_collection_order(
    pytester: pytest.Pytester, items: list[pytest.Item]
) -> None:
    config = pytester.parseconfigure("--junitxml=junit.xml")
    log = config.stash[xml_key]
    collected = log.node_reporter("collected.py")
    order = TellingOrder(config, items)
    entries = {}
    for number in (2, 0, 1):
        entries[number] = log.node_reporter(items[number].nodeid)
        order.told(number)
    order.restore()
    assert log.node_reporters_ordered == [collected, entries[0], entries[1], entries[2]]
