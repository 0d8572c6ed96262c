"""What tests write into pytest's JUnit file: recorded in the worker, written by the controller."""

from __future__ import annotations

from typing import Any

import pytest
from _pytest.junitxml import xml_key

from pytest_concurrent.payload import shape

Packed = tuple[str, str, str, object]


class JunitForwarder:
    """Stands for pytest's LogXML in a worker and remembers what fixtures ask of it."""

    def __init__(self, family: str) -> None:
        # Fixtures warn when the family of the file cannot hold what they write.
        self.family = family
        self._calls: list[Packed] = []

    def node_reporter(self, node: object) -> _NodeForwarder:
        """The reporter of one test, by its id: a text, or from pytest 9.2 on an object."""
        return _NodeForwarder(str(node), self._calls)

    def add_global_property(self, name: str, value: object) -> None:
        """A property of the whole suite (fixture `record_testsuite_property`)."""
        self._calls.append(("suite", "", name, str(value)))

    def take(self) -> list[Packed]:
        """What was asked since the last call."""
        calls = self._calls.copy()
        self._calls.clear()
        return calls


class _NodeForwarder:
    def __init__(self, nodeid: str, calls: list[Packed]) -> None:
        self._nodeid = nodeid
        self._calls = calls

    def add_property(self, name: str, value: object) -> None:
        self._calls.append(("property", self._nodeid, name, str(value)))

    def add_attribute(self, name: str, value: object) -> None:
        self._calls.append(("attribute", self._nodeid, name, str(value)))


def install(config: pytest.Config) -> JunitForwarder | None:
    """In a worker: put a forwarder where fixtures look for LogXML; None when there is no file."""
    log = config.stash.get(xml_key, None)
    # A worker that was not forked has none of its own: pytest makes it in the controller only.
    if log is None and not getattr(config.option, "xmlpath", None):
        return None
    forwarder = JunitForwarder(config.getini("junit_family") if log is None else log.family)
    if log is None:
        # What stands there pytest unregisters at the end.
        config.pluginmanager.register(forwarder)
    stash: Any = config.stash
    stash[xml_key] = forwarder
    return forwarder


def unpack(calls: Any) -> list[Packed]:
    """What `JunitForwarder.take` gave, if it is that.

    Raises:
        Exception: It is not.
    """
    shape.check_calls(calls)
    checked: list[Packed] = calls
    return checked


def apply(calls: list[Packed], config: pytest.Config) -> None:
    """In the controller: do what the worker's fixtures asked."""
    log = config.stash.get(xml_key, None)
    if log is None:
        return
    for kind, nodeid, name, value in calls:
        if kind == "suite":
            log.add_global_property(name, value)
        elif kind == "property":
            log.node_reporter(nodeid).add_property(name, value)
        else:
            log.node_reporter(nodeid).add_attribute(name, value)
