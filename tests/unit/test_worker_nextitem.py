from __future__ import annotations

from typing import Any

import pytest

from pytest_concurrent.worker.nextitem import NOT_NOW, NOTHING, Break, NextItem, may_be_lazy


class Link:
    """A worker's socket that knows what follows, and counts how often it is asked."""

    def __init__(self, follows: int) -> None:
        self.follows = follows
        self.asked = 0

    def peek(self) -> int:
        self.asked += 1
        return self.follows


class Session:
    """A session with two tests."""

    def __init__(self, items: list[pytest.Item]) -> None:
        self.items = items


@pytest.fixture
def items(pytester: pytest.Pytester) -> list[pytest.Item]:
    return pytester.getitems("def test_first(): pass\ndef test_second(): pass")


def stand_in(link: Link, items: list[pytest.Item]) -> Any:
    shaped: Any = link
    session: Any = Session(items)
    return NextItem(shaped, session, items)


def test_nobody_is_asked_before_somebody_looks(items: list[pytest.Item]) -> None:
    link = Link(1)
    nextitem = stand_in(link, items)
    assert nextitem.resolved is False
    assert link.asked == 0


def test_it_stands_for_the_next_item(items: list[pytest.Item]) -> None:
    link = Link(1)
    nextitem = stand_in(link, items)
    assert nextitem.listchain() == items[1].listchain()
    assert nextitem.name == "test_second"
    assert nextitem == items[1]
    assert hash(nextitem) == hash(items[1])
    assert nextitem.resolved is items[1]
    assert link.asked == 1


def test_nothing_is_false_and_keeps_no_fixture(items: list[pytest.Item]) -> None:
    nextitem = stand_in(Link(NOTHING), items)
    assert not nextitem
    assert nextitem.listchain() == []
    assert nextitem.resolved is None


def test_a_pause_keeps_the_fixtures_of_the_session(items: list[pytest.Item]) -> None:
    nextitem = stand_in(Link(NOT_NOW), items)
    assert nextitem
    assert isinstance(nextitem.resolved, Break)
    assert [type(node) for node in nextitem.listchain()] == [Session]


def test_teardown_takes_the_stand_in(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest
        from pytest_concurrent.worker.nextitem import NextItem

        class Link:
            def __init__(self, number):
                self.number = number
            def peek(self):
                return self.number

        @pytest.hookimpl(tryfirst=True)
        def pytest_runtestloop(session):
            for number, item in enumerate(session.items):
                last = number + 1 == len(session.items)
                nextitem = NextItem(Link(-1 if last else number + 1), session, session.items)
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=nextitem)
            return True
        """
    )
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture(scope="module")
        def shared():
            print("set up")
            yield
            print("torn down")

        def test_first(shared): pass
        def test_second(shared): pass
        """
    )
    result = pytester.runpytest_subprocess("-s")
    result.assert_outcomes(passed=2)
    assert result.stdout.str().count("set up") == result.stdout.str().count("torn down") == 1


def test_pytest_alone_may_be_lazy(pytester: pytest.Pytester) -> None:
    assert may_be_lazy(pytester.parseconfig())


def test_a_foreign_hook_that_looks_forbids_laziness(pytester: pytest.Pytester) -> None:
    class Plugin:
        def pytest_runtest_teardown(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
            assert nextitem is None or nextitem.path != item.path

    config = pytester.parseconfig()
    config.pluginmanager.register(Plugin())
    assert not may_be_lazy(config)


def test_a_foreign_hook_without_nextitem_is_harmless(pytester: pytest.Pytester) -> None:
    class Plugin:
        def pytest_runtest_teardown(self, item: pytest.Item) -> None:
            assert item.nodeid

    config = pytester.parseconfig()
    config.pluginmanager.register(Plugin())
    assert may_be_lazy(config)
