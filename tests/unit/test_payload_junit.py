from __future__ import annotations

from typing import Any

import pytest
from _pytest.junitxml import xml_key

from pytest_concurrent.payload import junit

NODEID = "test_a.py::test_x"


@pytest.fixture
def config(pytester: pytest.Pytester) -> pytest.Config:
    """A configuration that is to write a JUnit file."""
    return pytester.parseconfigure("--junitxml=junit.xml")


def recorded(config: pytest.Config) -> list[junit.Packed]:
    """What a worker packs of one use of each fixture; the config is as before afterwards."""
    log = config.stash[xml_key]
    forwarder = junit.install(config)
    assert forwarder is not None
    standing_in: Any = config.stash[xml_key]
    reporter = standing_in.node_reporter(NODEID)
    reporter.add_property("colour", 3)
    reporter.add_attribute("assertions", "REQ-1")
    standing_in.add_global_property("arch", "any")
    assert standing_in.family == log.family
    config.stash[xml_key] = log
    return forwarder.take()


def test_what_fixtures_ask_is_remembered(config: pytest.Config) -> None:
    assert recorded(config) == [
        ("property", NODEID, "colour", "3"),
        ("attribute", NODEID, "assertions", "REQ-1"),
        ("suite", "", "arch", "any"),
    ]


def test_what_was_taken_is_forgotten() -> None:
    forwarder = junit.JunitForwarder("xunit2")
    forwarder.add_global_property("arch", "any")
    assert len(forwarder.take()) == 1
    assert forwarder.take() == []


def test_the_controller_does_what_was_asked(config: pytest.Config) -> None:
    junit.apply(recorded(config), config)
    log = config.stash[xml_key]
    reporter = log.node_reporter(NODEID)
    assert reporter.properties == [("colour", "3")]
    assert reporter.attrs["assertions"] == "REQ-1"
    assert log.global_properties == [("arch", "any")]


def test_without_a_file_nothing_is_forwarded(pytester: pytest.Pytester) -> None:
    config = pytester.parseconfigure()
    assert junit.install(config) is None
    junit.apply([("property", NODEID, "colour", "3")], config)
    assert xml_key not in config.stash
