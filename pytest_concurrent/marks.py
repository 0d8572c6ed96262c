"""The marks that say how a test may be scheduled, read and checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

import pytest
from _pytest.nodes import Node

from pytest_concurrent.values import MAX_SECONDS, MIN_SECONDS

MAX_SLOTS = 1024

_LINES = {
    "concurrent_serial": "concurrent_serial: run this test alone, beside no other test",
    "concurrent_resource": (
        "concurrent_resource(name, slots=1): at most *slots* tests that name this resource "
        "run at the same time"
    ),
    "concurrent_group": "concurrent_group(name): tests of one group run on one worker, in order",
    "xdist_group": "xdist_group(name): as concurrent_group; the mark of pytest-xdist",
}
_SHORT_LINES = {
    "serial": "serial: short for concurrent_serial",
    "resource": "resource(name, slots=1): short for concurrent_resource",
}
_TIMEOUT_LINE = "timeout(seconds): the limit of this test; clocks stop in a debugger"

# What pytest-timeout's mark takes too; a suite may keep them without that plugin.
_TIMEOUT_KEYWORDS = {"timeout", "method", "func_only", "disable_debugger_detection"}


@dataclass(frozen=True)
class MarkFacts:
    """What a test's marks ask for.

    Attributes:
        serial: Whether the test runs alone.
        resources: Names of resources and their slots, sorted by name.
        group: The group that is never split; None for no group.
        limit: The test's own limit in seconds; None for the run's.
    """

    serial: bool = False
    resources: tuple[tuple[str, int], ...] = ()
    group: str | None = None
    limit: float | None = None


_NO_FACTS = MarkFacts()
_Marks = tuple[pytest.Mark, ...]


def register_marks(config: pytest.Config, *, short_marks: bool) -> None:
    """Make our marks known; call it from ``pytest_configure``, after every other plugin.

    Args:
        config: pytest's configuration.
        short_marks: Whether ``serial`` and ``resource`` are marks of ours too.
    """
    lines = _LINES | (_SHORT_LINES if short_marks else {})
    if config.pluginmanager.hasplugin("timeout"):
        ours = frozenset(lines)
    else:
        ours = frozenset({*lines, "timeout"})
        lines = lines | {"timeout": _TIMEOUT_LINE}
    known = _registered(config)
    for name, line in lines.items():
        if name not in known:
            config.addinivalue_line("markers", line)
    config.stash[_READER] = MarkReader(ours)


def facts(item: pytest.Item) -> MarkFacts:
    """What the marks of `item` and of its parents ask for.

    Call it once the marks are final: after ``pytest_collection_modifyitems``.

    Raises:
        pytest.UsageError: Naming the test, the mark and what is accepted.
    """
    return item.config.stash[_READER].facts(item)


class MarkReader:
    """Reads marks; what a parent's marks ask for is read once for all its tests.

    Args:
        ours: Names of the marks that mean something to us.
    """

    def __init__(self, ours: frozenset[str]) -> None:
        self._ours = ours
        self._inherited: dict[Node | None, _Marks] = {None: ()}
        self._slots: dict[str, tuple[int, str]] = {}

    def facts(self, item: pytest.Item) -> MarkFacts:
        """As the function `facts`."""
        try:
            marks = self._inherited[item.parent]
        except KeyError:
            marks = self._inherit(item.parent)
        own = self._own(item) if item.own_markers else ()
        if not own and not marks:
            return _NO_FACTS
        return self._read(item, own + marks)

    def _inherit(self, node: Node | None) -> _Marks:
        if node not in self._inherited:
            assert node is not None
            self._inherited[node] = self._own(node) + self._inherit(node.parent)
        return self._inherited[node]

    def _own(self, node: Node) -> _Marks:
        # The last one written is the closest to the test, as in node.iter_markers().
        return tuple(mark for mark in reversed(node.own_markers) if mark.name in self._ours)

    def _read(self, item: pytest.Item, marks: _Marks) -> MarkFacts:
        serial = [mark for mark in marks if mark.name in {"concurrent_serial", "serial"}]
        for mark in serial:
            if mark.args or mark.kwargs:
                _refuse(item, mark, "no arguments")
        return MarkFacts(
            serial=bool(serial),
            resources=tuple(sorted(self._resources(item, marks).items())),
            group=_group(item, marks),
            limit=next((_seconds(item, mark) for mark in marks if mark.name == "timeout"), None),
        )

    def _resources(self, item: pytest.Item, marks: _Marks) -> dict[str, int]:
        found: dict[str, int] = {}
        for mark in marks:
            if mark.name in {"concurrent_resource", "resource"}:
                name, slots = _resource(item, mark)
                self._agree(item, name, slots)
                found[name] = slots
        return found

    def _agree(self, item: pytest.Item, name: str, slots: int) -> None:
        known, nodeid = self._slots.setdefault(name, (slots, item.nodeid))
        if known != slots:
            raise pytest.UsageError(
                f"resource {name!r} has {known} slots at {nodeid} and {slots} at {item.nodeid}: "
                "give the same number everywhere"
            )


_READER = pytest.StashKey[MarkReader]()


def _registered(config: pytest.Config) -> set[str]:
    lines: list[str] = config.getini("markers")
    return {line.partition(":")[0].partition("(")[0].strip() for line in lines}


def _refuse(item: pytest.Item, mark: pytest.Mark, accepts: str) -> NoReturn:
    arguments = [repr(value) for value in mark.args]
    arguments += [f"{key}={value!r}" for key, value in mark.kwargs.items()]
    written = f"@pytest.mark.{mark.name}({', '.join(arguments)})"
    raise pytest.UsageError(f"{item.nodeid}: {written} is not accepted: expected {accepts}")


def _resource(item: pytest.Item, mark: pytest.Mark) -> tuple[str, int]:
    named = dict(zip(("name", "slots"), mark.args, strict=False))
    values = {**named, **mark.kwargs}
    name, slots = values.get("name"), values.get("slots", 1)
    is_whole = isinstance(slots, int) and not isinstance(slots, bool)
    if (
        len(values) != len(mark.args) + len(mark.kwargs)
        or values.keys() - {"name", "slots"}
        or not (isinstance(name, str) and name)
        or not (is_whole and 1 <= slots <= MAX_SLOTS)
    ):
        _refuse(item, mark, f"a name, and a number of slots from 1 to {MAX_SLOTS}")
    return name, slots


def _group(item: pytest.Item, marks: _Marks) -> str | None:
    """The closest concurrent_group, else all xdist_group names as pytest-xdist joins them."""
    for mark in marks:
        if mark.name == "concurrent_group":
            return _group_name(item, mark)
    names = {_xdist_group_name(mark) for mark in marks if mark.name == "xdist_group"}
    return "_".join(sorted(names)) if names else None


def _group_name(item: pytest.Item, mark: pytest.Mark) -> str:
    values = [*mark.args, *mark.kwargs.values()]
    if len(values) != 1 or mark.kwargs.keys() - {"name"} or not isinstance(values[0], str):
        _refuse(item, mark, "one name, a text")
    return values[0]


def _xdist_group_name(mark: pytest.Mark) -> str:
    # As lenient as pytest-xdist: suites are written to what it accepts.
    return str(mark.args[0] if mark.args else mark.kwargs.get("name", "default"))


def _seconds(item: pytest.Item, mark: pytest.Mark) -> float:
    value = mark.args[0] if mark.args else mark.kwargs.get("timeout")
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    known = _TIMEOUT_KEYWORDS.issuperset(mark.kwargs)
    if value is None or not (known and is_number and MIN_SECONDS <= value <= MAX_SECONDS):
        _refuse(item, mark, f"a number of seconds from {MIN_SECONDS} to {MAX_SECONDS:.0f}")
    return float(value)
