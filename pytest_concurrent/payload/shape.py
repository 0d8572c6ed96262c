"""Whether what a worker sent has the shape that pytest's hooks expect of it.

A worker runs foreign code, which may have written into its socket. What is damaged costs the test
that it speaks of; without a look here it would end the run inside a hook.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

_COMPACT = (str, float, float, float, list, list)
_PHASES = frozenset({"setup", "call", "teardown"})


def check_compact(packed: Any) -> None:
    """Raise `ValueError` if this is no compact report.

    The usual case costs a third of a microsecond.
    """
    if tuple(map(type, packed)) != _COMPACT:
        *_, sections, properties = packed
        _demand(len(packed) == len(_COMPACT), "number of fields")
        _demand(type(packed[0]) is str, "phase")
        _demand(all(isinstance(one, int | float) for one in packed[1:4]), "times")
        _demand(isinstance(sections, list) and isinstance(properties, list), "sections")
    _demand(packed[0] in _PHASES, "phase")
    if packed[4]:
        _check_sections(packed[4])
    if packed[5]:
        _check_properties(packed[5])


def check_shared(location: Any, keywords: Any) -> None:
    """Raise `ValueError` if this is not what compact reports share."""
    _check_location(location)
    _demand(isinstance(keywords, tuple) and all(isinstance(k, str) for k in keywords), "keywords")


def check_report(report: Any) -> None:
    """Raise an error if hooks would choke on this report; mend what can be.

    Whatever the failure is made of is rendered once, because that shows whether it can be.
    """
    _demand(isinstance(report, pytest.TestReport), "type")
    state = report.__dict__
    _demand(not any(callable(getattr(type(report), name, None)) for name in state), "attributes")
    _demand(isinstance(report.nodeid, str) and isinstance(report.outcome, str), "outcome")
    _demand(report.when is None or isinstance(report.when, str), "phase")
    times = (report.duration, getattr(report, "start", 0.0), getattr(report, "stop", 0.0))
    _demand(all(isinstance(one, int | float) for one in times), "times")
    _demand(isinstance(report.keywords, Mapping), "keywords")
    _check_location(report.location)
    _check_sections(report.sections)
    _check_properties(report.user_properties)
    _demand(isinstance(getattr(report, "wasxfail", ""), str), "reason")
    if report.outcome == "skipped" and not hasattr(report, "wasxfail"):
        report.longrepr = _place_of_skip(report)
    _demand(isinstance(report.longreprtext, str), "failure")


def check_warning(packed: Any) -> None:
    """Raise an error if this is no warning that can be recorded."""
    texts = (packed[name] for name in ("text", "filename", "when", "nodeid"))
    _demand(all(isinstance(one, str) for one in texts), "warning")
    _demand(isinstance(packed["lineno"], int), "warning")
    _demand(isinstance(packed["line"], str | None), "warning")
    if packed["location"] is not None:
        _check_location(packed["location"])
    named = all(isinstance(part, str) for known in packed["classes"] for part in known)
    _demand(named, "warning")


def check_calls(calls: Any) -> None:
    """Raise an error if this is not what is to be written into pytest's JUnit file."""
    _demand(isinstance(calls, list), "calls")
    for call in calls:
        _demand(len(call) == 4 and all(isinstance(one, str) for one in call), "call")


def check_written(written: Any) -> None:
    """Raise an error if this cannot be written on the terminal."""
    _demand(isinstance(written, list), "text")
    for place, text in written:
        _demand(isinstance(place, int) and isinstance(text, str | None), "text")


def _place_of_skip(report: Any) -> Any:
    place = report.longrepr
    if isinstance(place, tuple) and len(place) == 3:
        path, line, reason = place
        _demand(isinstance(path, str) and isinstance(reason, str), "place of a skip")
        _demand(isinstance(line, int | None), "place of a skip")
        return place
    path, line, _ = report.location
    return path, line, str(place)


def _check_location(location: Any) -> None:
    _demand(isinstance(location, tuple | list) and len(location) == 3, "place")
    path, line, name = location
    _demand(isinstance(path, str) and isinstance(name, str), "place")
    _demand(isinstance(line, int | None), "place")


def _check_sections(sections: Any) -> None:
    _demand(isinstance(sections, list), "sections")
    for section in sections:
        _demand(isinstance(section, tuple | list) and len(section) == 2, "section")
        _demand(all(isinstance(one, str) for one in section), "section")


def _check_properties(properties: Any) -> None:
    _demand(isinstance(properties, list), "properties")
    for one in properties:
        _demand(isinstance(one, tuple | list) and len(one) == 2, "property")
        _demand(isinstance(one[0], str), "property")


def _demand(is_so: bool, what: str) -> None:
    if not is_so:
        raise ValueError(f"malformed {what}")
