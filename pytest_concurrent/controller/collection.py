"""The collected tests as the engine sees them: numbers, groups, shared set-ups, estimates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from _pytest.fixtures import FixtureDef
from _pytest.nodes import Node

from pytest_concurrent._engine import History, Plan
from pytest_concurrent.compat import benchmark, timeout
from pytest_concurrent.marks import MarkFacts, facts
from pytest_concurrent.payload.fixtures import key_of
from pytest_concurrent.settings import Settings

#: Scopes that several tests share, and the collector that each belongs to.
_SHARED_SCOPES: dict[str, type[Node]] = {
    "session": pytest.Session,
    "package": pytest.Package,
    "module": pytest.Module,
    "class": pytest.Class,
}
_WIDEST_FIRST = tuple(_SHARED_SCOPES)


class Collection:
    """The plan of a run and what its numbers mean.

    Args:
        items: The tests, in the order in which pytest would run them.
        settings: What was asked for.
        history: What earlier runs measured.
        imported_only: Whether estimates come from files that the user named only, so that every
            machine makes the same plan.
    """

    def __init__(
        self,
        items: Sequence[pytest.Item],
        settings: Settings,
        history: History,
        *,
        imported_only: bool = False,
    ) -> None:
        self._items = items
        self._settings = settings
        self._history = history
        self._imported_only = imported_only
        self._shared_by_function: dict[int, list[FixtureDef[object]]] = {}
        #: Limits of tests that have one of their own, in seconds, by number.
        self.limits: dict[int, float] = {}
        #: Numbers of shared set-ups, by key.
        self.fixtures: dict[str, int] = {}
        self.nodeids = [item.nodeid for item in items]
        history.resolve(self.nodeids)
        #: Seconds that each test is thought to take.
        self.estimates = self._estimates()
        self.plan = Plan(self.nodeids, self._modules(), self.estimates)
        if items:
            self._describe_tests(items[0].config)

    def set_turns(self, turns: Sequence[int]) -> None:
        """Have tests of earlier turns handed out before those of later ones.

        Args:
            turns: That of each test; the first is 0.
        """
        for number, turn in enumerate(turns):
            if turn:
                self.plan.set_turn(number, turn)

    def _modules(self) -> list[int]:
        numbers: dict[str, int] = {}
        return [
            numbers.setdefault(nodeid.partition("::")[0], len(numbers)) for nodeid in self.nodeids
        ]

    def _estimates(self) -> list[float | None]:
        estimates = self._history.estimates(self.nodeids, imported_only=self._imported_only)
        hook = self._items[0].config.hook.pytest_concurrent_estimate if self._items else None
        if hook is not None and hook.get_hookimpls():
            for number, item in enumerate(self._items):
                said = hook(item=item)
                if said is not None:
                    estimates[number] = float(said)
        return estimates

    def _describe_tests(self, config: pytest.Config) -> None:
        asks_groups = bool(config.hook.pytest_concurrent_group.get_hookimpls())
        keeps_fixtures = self._settings.group == "auto"
        measures = benchmark.measures(config)
        limits = timeout.Limits(config)
        shared: dict[int, list[str]] = {}
        session_keys: set[str] = set()
        for number, item in enumerate(self._items):
            marks = facts(item)
            group = self._group(item, marks, asks=asks_groups)
            if group is not None:
                self.plan.set_group(number, *group)
            self._apply_marks(number, marks)
            if measures and benchmark.is_measured(item):
                self.plan.set_serial(number)
            theirs = None if marks.limit is not None else self._foreign_limit(limits, item)
            limit = marks.limit if theirs is None else theirs
            if limit is not None:
                self.limits[number] = limit
                self.plan.set_limit(number, limit, with_shared=theirs is not None)
            if keeps_fixtures:
                keys = list(self._shared_set_ups(item, session_keys))
                if keys:
                    shared[number] = keys
        self._add_fixtures(shared, session_keys)

    def _apply_marks(self, number: int, marks: MarkFacts) -> None:
        if marks.serial:
            self.plan.set_serial(number)
        for name, slots in marks.resources:
            self.plan.add_resource(number, name, slots)

    def _foreign_limit(self, limits: timeout.Limits, item: pytest.Item) -> float | None:
        """What pytest-timeout says, if it holds; a test's own mark outweighs an option of ours."""
        theirs = limits.of(item)
        if theirs is None:
            return None
        seconds, is_own = theirs
        ours = self._settings.test_timeout
        return seconds if is_own or ours is None or seconds < ours else None

    def _group(self, item: pytest.Item, marks: MarkFacts, *, asks: bool) -> tuple[str, str] | None:
        """Kind and name of the group that is never split. What the user marked always holds."""
        if marks.group is not None:
            return ("mark", marks.group)
        if asks:
            said = item.config.hook.pytest_concurrent_group(item=item)
            if said is not None:
                return ("mark", str(said))
        file = item.nodeid.partition("::")[0]
        if self._settings.group == "file":
            return ("file", file)
        if self._settings.group == "class":
            owner = item.getparent(pytest.Class)
            return ("class", owner.nodeid if owner else file)
        return None

    def _shared_set_ups(self, item: pytest.Item, session_keys: set[str]) -> Iterator[str]:
        for fixturedef in self._shared_fixtures(item):
            node = item.getparent(_SHARED_SCOPES[fixturedef.scope])
            if node is None:
                continue
            key = key_of(fixturedef, node, _param_index(item, fixturedef.argname))
            if fixturedef.scope == "session":
                session_keys.add(key)
            yield key

    def _shared_fixtures(self, item: pytest.Item) -> list[FixtureDef[object]]:
        """The fixtures of the test that are wider than it, the widest first."""
        info: Any = getattr(item, "_fixtureinfo", None)
        if info is None or not info.name2fixturedefs:
            return []
        # Tests of one function share this object: it is looked through once.
        known = self._shared_by_function.get(id(info))
        if known is None:
            wide = [defs[-1] for defs in info.name2fixturedefs.values() if defs]
            known = [one for one in wide if one.scope in _SHARED_SCOPES]
            known.sort(key=lambda one: _WIDEST_FIRST.index(one.scope))
            self._shared_by_function[id(info)] = known
        return known

    def _add_fixtures(self, shared: dict[int, list[str]], session_keys: set[str]) -> None:
        keys = list(dict.fromkeys(key for keys in shared.values() for key in keys))
        costs = self._history.fixture_costs(keys, imported_only=self._imported_only)
        for key, cost in zip(keys, costs, strict=True):
            self.fixtures[key] = self.plan.add_fixture(key, cost, key in session_keys)
        for number, names in shared.items():
            self.plan.set_fixtures(number, [self.fixtures[name] for name in names])


def _param_index(item: pytest.Item, argname: str) -> int:
    callspec: Any = getattr(item, "callspec", None)
    return callspec.indices.get(argname, 0) if callspec is not None else 0
