"""Test reports: compact where nothing but times varies, pytest's own serialised form elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO
from operator import itemgetter
from typing import Any, TypeAlias

import pytest
from _pytest._code.code import TerminalRepr
from _pytest._io import TerminalWriter

from pytest_concurrent.payload import shape

Compact: TypeAlias = "tuple[str, float, float, float, list[Any], list[Any]]"
Packed: TypeAlias = "Compact | dict[str, Any]"
#: What the compact reports of one test share: its location and the names of its keywords.
Shared: TypeAlias = "tuple[tuple[str, int | None, str], tuple[str, ...]]"

_SAMPLE = pytest.TestReport("x", ("x", 0, "x"), {}, "passed", None, "call")
_PLAIN_SIZE = len(_SAMPLE.__dict__)
# pytest 9.2 keeps a structured id in the report, earlier versions the text.
_ID = "_id" if "_id" in _SAMPLE.__dict__ else "nodeid"
_ITEM_ID = "id" if _ID == "_id" else "nodeid"

#: Characters that are kept of each text of a test that said more than can be sent (256 MiB).
_SHORT = 1_000_000

#: What differs between the reports of passing tests: all that a compact report holds.
_VARYING = ("when", "start", "stop", "duration", "sections", "user_properties")
_varying = itemgetter(*_VARYING)

_BUILTIN = (str, bytes, int, float, bool, type(None))


def is_plain(report: pytest.TestReport) -> bool:
    """Whether the report passed and holds nothing that another plugin put there."""
    state = report.__dict__
    return (
        type(report) is pytest.TestReport
        and len(state) == _PLAIN_SIZE
        and state["outcome"] == "passed"
        and state["longrepr"] is None
    )


class Packer:
    """Packs the reports of one test.

    Args:
        item: The test.
    """

    __slots__ = ("_item", "_item_id", "_keywords", "packed")

    def __init__(self, item: pytest.Item) -> None:
        self._item = item
        self._item_id = getattr(item, _ITEM_ID)
        self._keywords: Mapping[str, int] | None = None
        #: What was packed so far.
        self.packed: list[Packed] = []

    def add(self, report: pytest.TestReport) -> None:
        """Pack one more report, as hooks left it."""
        _plain_properties(report)
        if is_plain(report) and self._is_usual(report.__dict__):
            self.packed.append(_varying(report.__dict__))
        else:
            self.packed.append(_serialised(report, self._item.config))

    def mark_shown(self) -> None:
        """A debugger has shown the last failure: pytest does not list it again."""
        for one in reversed(self.packed):
            if isinstance(one, dict):
                one["_pdbshown"] = True
                return

    @property
    def shared(self) -> Shared | None:
        """What the compact reports have in common; None if there are none."""
        if self._keywords is None:
            return None
        return (self._item.location, tuple(self._keywords))

    def _is_usual(self, state: dict[str, Any]) -> bool:
        """Whether id, place and keywords are the item's, as in the other compact reports."""
        if state[_ID] is not self._item_id or state["location"] is not self._item.location:
            return False
        if self._keywords is None:
            self._keywords = state["keywords"]
            return True
        return bool(self._keywords == state["keywords"])


def unpack(
    packed: list[Packed], shared: Shared | None, item: pytest.Item
) -> list[pytest.TestReport]:
    """The reports of one test, in order.

    Args:
        packed: What `Packer.packed` was.
        shared: What `Packer.shared` was.
        item: The test.

    Raises:
        Exception: It is not what `Packer` made; any, from whatever it led to.
    """
    reports = []
    template: dict[str, Any] = {} if shared is None else _template(item, *shared)
    for one in packed:
        if isinstance(one, dict):
            report = _deserialised(one, item.config)
            shape.check_report(report)
            reports.append(report)
        else:
            shape.check_compact(one)
            reports.append(_expanded(one, template))
    return reports


def shortened(packed: list[Packed]) -> list[Packed]:
    """The same reports with the end of each long text only, for what is too long to send."""
    return [_shorten(one) for one in packed]


def _shorten(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _SHORT:
        return f"… {len(value) - _SHORT:,} characters left out …\n{value[-_SHORT:]}"
    if isinstance(value, dict):
        return {key: _shorten(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_shorten(one) for one in value)
    return value


def _template(
    item: pytest.Item, location: tuple[str, int | None, str], keywords: tuple[str, ...]
) -> dict[str, Any]:
    shape.check_shared(location, keywords)
    # Finding the place of a test costs 25 µs: the worker had to, so nobody else needs to.
    item.__dict__.setdefault("location", location)
    node_id = getattr(item, _ITEM_ID)
    return pytest.TestReport(
        node_id, item.location, dict.fromkeys(keywords, 1), "passed", None, "call"
    ).__dict__


def _expanded(packed: Compact, template: dict[str, Any]) -> pytest.TestReport:
    report = pytest.TestReport.__new__(pytest.TestReport)
    state = report.__dict__
    state.update(template)
    state["keywords"] = template["keywords"].copy()
    state.update(zip(_VARYING, packed, strict=True))
    return report


def _serialised(report: pytest.TestReport, config: pytest.Config) -> dict[str, Any]:
    longrepr = report.longrepr
    rendered = None
    if isinstance(longrepr, TerminalRepr) and not (
        hasattr(longrepr, "reprtraceback") and hasattr(longrepr, "reprcrash")
    ):
        rendered = [_render(longrepr, config, markup=False), _render(longrepr, config, markup=True)]
    data: dict[str, Any] | None = config.hook.pytest_report_to_serializable(
        config=config, report=report
    )
    if data is None:
        # A class of report that no plugin knows how to send: what every report has still travels.
        data = report._to_json()
        data["$report_type"] = "TestReport"
    if rendered is not None:
        data["longrepr"] = {"$rendered": rendered}
    return data


def _deserialised(data: dict[str, Any], config: pytest.Config) -> pytest.TestReport:
    context = data.get("_subtest.context")
    # The constructor of the context quotes its values once more: keep them as they came.
    values = dict(context["kwargs"]) if context is not None else None
    rendered = data["longrepr"].get("$rendered") if isinstance(data["longrepr"], dict) else None
    if rendered is not None:
        data["longrepr"] = None
    report: pytest.TestReport = config.hook.pytest_report_from_serializable(
        config=config, data=data
    )
    if rendered is not None:
        report.longrepr = RenderedRepr(*rendered)
    if values is not None and hasattr(report, "context"):
        object.__setattr__(report.context, "kwargs", values)
    return report


class RenderedRepr(TerminalRepr):
    """A failure that was rendered before it came here, once without and once with colours."""

    def __init__(self, plain: str, coloured: str) -> None:
        self._plain = plain
        self._coloured = coloured

    def toterminal(self, tw: TerminalWriter) -> None:
        """Write it in the form that the terminal takes."""
        tw.write(self._coloured if tw.hasmarkup else self._plain)


def _render(longrepr: TerminalRepr, config: pytest.Config, *, markup: bool) -> str:
    file = StringIO()
    writer = TerminalWriter(file)
    writer.hasmarkup = markup
    reporter: Any = config.pluginmanager.getplugin("terminalreporter")
    if reporter is not None:
        writer.fullwidth = reporter._tw.fullwidth
    longrepr.toterminal(writer)
    return file.getvalue()


def _plain_properties(report: pytest.TestReport) -> None:
    """Make `record_property` values builtin; sequentially, reports show them by `str` too."""
    if report.user_properties:
        report.user_properties = [
            (name, value if type(value) in _BUILTIN else str(value))
            for name, value in report.user_properties
        ]
