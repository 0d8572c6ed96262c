from __future__ import annotations

from typing import Any

import pytest
from _pytest._code.code import TerminalRepr
from _pytest._io import TerminalWriter
from _pytest.runner import runtestprotocol

from pytest_concurrent.payload.reports import (
    Packed,
    Packer,
    RenderedRepr,
    is_plain,
    shortened,
    unpack,
)


def run(item: pytest.Item) -> list[pytest.TestReport]:
    return runtestprotocol(item, log=False)


def packed(item: pytest.Item, reports: list[pytest.TestReport]) -> Packer:
    packer = Packer(item)
    for report in reports:
        packer.add(report)
    return packer


def unpacked(packer: Packer, item: pytest.Item) -> list[pytest.TestReport]:
    return unpack(packer.packed, packer.shared, item)


def test_a_passed_test_comes_out_as_it_went_in(pytester: pytest.Pytester) -> None:
    item = pytester.getitem("def test_func():\n    print('said')")
    reports = run(item)
    packer = packed(item, reports)
    assert [type(one) for one in packer.packed] == [tuple] * 3
    assert [vars(one) for one in unpacked(packer, item)] == [vars(one) for one in reports]


def test_a_failure_reads_the_same(pytester: pytest.Pytester) -> None:
    item = pytester.getitem("def test_func():\n    assert [1, 2] == [1, 3]")
    reports = run(item)
    told = unpacked(packed(item, reports), item)
    assert [one.outcome for one in told] == ["passed", "failed", "passed"]
    assert told[1].longreprtext == reports[1].longreprtext
    assert "assert [1, 2] == [1, 3]" in told[1].longreprtext


def test_a_skip_keeps_its_reason_and_place(pytester: pytest.Pytester) -> None:
    item = pytester.getitem("import pytest\ndef test_func():\n    pytest.skip('not today')")
    reports = run(item)
    told = unpacked(packed(item, reports), item)
    assert told[1].outcome == "skipped"
    assert tuple(told[1].longrepr) == reports[1].longrepr  # type: ignore[arg-type]


def test_what_a_plugin_adds_to_a_report_travels(pytester: pytest.Pytester) -> None:
    item = pytester.getitem("def test_func(): pass")
    reports = run(item)
    vars(reports[1])["rerun"] = 2
    assert not is_plain(reports[1])
    told: list[Any] = list(unpacked(packed(item, reports), item))
    assert told[1].rerun == 2
    assert not hasattr(told[0], "rerun")


def test_keywords_added_in_the_test_travel(pytester: pytest.Pytester) -> None:
    item = pytester.getitem(
        "def test_func(request):\n    request.node.keywords['late'] = 1\n    assert True"
    )
    reports = run(item)
    told = unpacked(packed(item, reports), item)
    assert ["late" in one.keywords for one in told] == ["late" in one.keywords for one in reports]


def test_reports_do_not_share_their_keywords(pytester: pytest.Pytester) -> None:
    item = pytester.getitem("def test_func(): pass")
    told: list[Any] = list(unpacked(packed(item, run(item)), item))
    told[0].keywords["marked"] = 1
    assert "marked" not in told[1].keywords


def test_properties_become_builtin_values(pytester: pytest.Pytester) -> None:
    item = pytester.getitem(
        "def test_func(record_property):\n"
        "    record_property('number', 7)\n"
        "    record_property('type', int)"
    )
    told = unpacked(packed(item, run(item)), item)
    assert told[2].user_properties == [("number", 7), ("type", "<class 'int'>")]


def test_the_place_need_not_be_found_again(pytester: pytest.Pytester) -> None:
    item = pytester.getitem("def test_func(): pass")
    packer = packed(item, run(item))
    location = vars(item).pop("location")
    (told, *_) = unpacked(packer, item)
    assert told.location == location
    assert vars(item)["location"] == location


def test_a_failure_of_its_own_making_is_rendered(pytester: pytest.Pytester) -> None:
    class Picture(TerminalRepr):
        def toterminal(self, tw: TerminalWriter) -> None:
            tw.line("a picture", red=True)

    item = pytester.getitem("def test_func(): pass")
    reports = run(item)
    reports[1].outcome, reports[1].longrepr = "failed", Picture()
    told = unpacked(packed(item, reports), item)
    assert isinstance(told[1].longrepr, RenderedRepr)
    assert told[1].longreprtext == "a picture"
    assert coloured(told[1].longrepr) == coloured(Picture()) != "a picture\n"


def coloured(longrepr: TerminalRepr) -> str:
    written: list[str] = []

    class File:
        def write(self, text: str) -> None:
            written.append(text)

        def flush(self) -> None:
            pass

    file: Any = File()
    writer = TerminalWriter(file)
    writer.hasmarkup = True
    longrepr.toterminal(writer)
    return "".join(written)


def test_shortened_reports_keep_the_end_of_long_texts() -> None:
    long = "x" * 1_500_000 + "end"
    compact: Packed = ("call", 0.0, 1.0, 1.0, [("Captured stdout call", long)], [])
    [short] = shortened([compact])
    assert isinstance(short, tuple)
    [(name, text)] = short[4]
    assert name == "Captured stdout call"
    assert text.startswith("… 500,003 characters left out …")
    assert text.endswith("xend")
    assert len(text) < 1_000_100
