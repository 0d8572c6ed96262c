"""pytest's own JUnit file says what a sequential run writes, in the same order."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from .parity import Compare, on_workers

SUITE = """
import enum
import warnings

import pytest


class Text(str):
    pass


class Colour(enum.IntEnum):
    RED = 3


@pytest.mark.parametrize(
    "value", ["text", 1, 2.5, True, None, b"bytes", (1, (2,)), [1], {1: 2}, Text("sub"), Colour.RED]
)
def test_property(record_property, value):
    record_property("name", value)
    record_property("object", type(value))


def test_attribute(record_xml_attribute):
    record_xml_attribute("assertions", "REQ-1")
    record_xml_attribute("classname", "renamed")


def test_suite_property(record_testsuite_property):
    record_testsuite_property("ARCH", "PPC")


def test_output(record_property):
    print("out \\x1b[31m and \\x00 control")
    record_property("a", "<&>")
    assert 0, "<message> & \\x00"


def test_skip():
    pytest.skip("<reason>")
"""


@pytest.fixture(autouse=True)
def suite(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_junit=SUITE, test_more="def test_more(): pass")


@pytest.mark.spawned
@pytest.mark.parametrize("family", ["xunit1", "xunit2", "legacy"])
def test_families_hold_the_same(compare: Compare, family: str) -> None:
    told = compare("-o", f"junit_family={family}", "-o", "junit_logging=all")
    kinds = [entry[0] for entry in told.junit]
    assert kinds.count("testcase") == 16
    assert ("property", "name=ARCH", "value=PPC") in told.junit
    assert ("assertions=REQ-1" in str(told.junit)) == (family != "xunit2")


def test_options_of_the_file_hold(compare: Compare) -> None:
    told = compare(
        "--junitprefix=before",
        "-o",
        "junit_suite_name=mine",
        "-o",
        "junit_duration_report=call",
        "-o",
        "junit_log_passing_tests=false",
    )
    assert "name=mine" in str(told.junit)
    assert "before.test_more" in str(told.junit)


def test_each_test_names_its_worker(pytester: pytest.Pytester) -> None:
    pytester.runpytest_subprocess("--junitxml=file.xml", *on_workers(2))
    tree = ElementTree.parse(Path("file.xml"))
    workers = [
        [one.get("value") for one in case.iter("property") if one.get("name") == "worker"]
        for case in tree.iter("testcase")
    ]
    assert len(workers) == 16
    assert all(names in (["gw0"], ["gw1"]) for names in workers)


def test_names_on_terminal_stay_out(pytester: pytest.Pytester) -> None:
    """Without a file nobody asked where a test ran."""
    pytester.makeconftest(
        """
        def pytest_runtest_logreport(report):
            assert "worker" not in dict(report.user_properties)
            assert not hasattr(report, "node")
            assert report.worker_id in ("gw0", "gw1")
            assert report.testrun_uid
        """
    )
    result = pytester.runpytest_subprocess(*on_workers(2))
    result.assert_outcomes(passed=14, failed=1, skipped=1)
