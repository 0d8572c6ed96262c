"""Timing files: read, write, filter, merge and look at them, without running a test.

A timing file says per node id how long a test takes and how it ended last. Four formats
are read, told apart by their content: our JSON, ``{"node id": seconds}`` as pytest-split
keeps it, JUnit XML, and CSV. JSON and CSV are written.

In Python, timings are a dict of node ids. Each value is a dict like `Timing`, of which
only ``duration`` must be there, or just seconds.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from fnmatch import fnmatchcase
from os import PathLike
from typing import Literal, TypeAlias, TypedDict, TypeVar

from pytest_concurrent import _engine

__all__ = [
    "Timing",
    "export_timings_to_csv",
    "filter_timings",
    "get_average_timing",
    "get_fastest_tests",
    "get_slowest_tests",
    "import_timings_from_csv",
    "load_timings",
    "merge_timings",
    "save_timings",
]

_log = logging.getLogger(__name__)


class Timing(TypedDict, total=False):
    """What is known about one test."""

    duration: float
    """Seconds that the test itself takes: a moving average of its typical runs."""
    setup: float
    """Seconds of its own set-up, a part of ``duration``."""
    status: str
    """passed, failed, error, skipped, xfailed, xpassed, timeout or crashed."""
    runs: int
    """How many runs were recorded."""
    timestamp: float | None
    """When it ran last, in unix seconds; ``None`` if nobody wrote that down."""
    worker: str | None
    """The worker that ran it last."""
    provisional: bool
    """Present and true if no typical run was seen: the next one replaces ``duration``."""


PathText: TypeAlias = "str | PathLike[str]"
Value = TypeVar("Value", Timing, float, "Timing | float")


def load_timings(path: PathText) -> dict[str, Timing]:
    """Read a timing file in any of the formats.

    Args:
        path: The file.

    Returns:
        Per node id a `Timing` with all fields, sorted by node id.

    Raises:
        FileNotFoundError: There is no such file.
        PermissionError: It may not be read, or every user of the machine may write it.
        OSError: It is no regular file, or the system refused otherwise.
        ValueError: Its content is in none of the formats; with line and column.
    """
    timings, refused = _engine.read_timings(path)
    _log_refused(refused, path)
    return timings


def save_timings(timings: Mapping[str, Value], path: PathText) -> bool:
    """Write a timing file: whole, or not at all.

    Args:
        timings: What to write. Values that are no timings (negative, infinite, longer than
            a year) are left out, and counted in a log message.
        path: The file; what is there is replaced. The suffix ``.csv`` makes it CSV,
            everything else JSON.

    Returns:
        Whether it was written. If not, a log message says why, and what was there stays.
    """
    return _write(timings, path, None)


def import_timings_from_csv(path: PathText) -> dict[str, Timing]:
    """Read a CSV file; see `load_timings`, which tells the format by itself.

    The columns are ``test_id, duration_seconds, setup_seconds, status, runs, timestamp,
    worker``, in any order; only the first two must be there. A timestamp is ISO 8601 (UTC
    if it names no offset) or unix seconds.
    """
    return load_timings(path)


def export_timings_to_csv(timings: Mapping[str, Value], path: PathText) -> bool:
    """Write a CSV file, whatever its suffix; see `save_timings`.

    Timestamps are written as ISO 8601 in UTC, to the microsecond.
    """
    return _write(timings, path, "csv")


def filter_timings(
    timings: Mapping[str, Value],
    min_duration: float = 0,
    max_duration: float = math.inf,
    pattern: str | None = None,
) -> dict[str, Value]:
    """Give the timings of some of the tests.

    Args:
        timings: What to choose from.
        min_duration: Seconds that a test must take at least.
        max_duration: Seconds that it may take at most.
        pattern: A part of the node id, or a shell pattern (``*``, ``?``, ``[a-z]``) for
            the whole of it. ``None`` = every test.

    Returns:
        The chosen tests in the same order.
    """
    return {
        nodeid: value
        for nodeid, value in timings.items()
        if min_duration <= _seconds(value) <= max_duration and _matches(nodeid, pattern)
    }


def merge_timings(a: Mapping[str, Value], b: Mapping[str, Value]) -> dict[str, Value]:
    """Put two timings together: the newer timestamp wins, undated values only fill gaps.

    Returns:
        A new dict, sorted by node id. Where neither is newer, ``a`` stands.
    """
    merged = {**b, **a}
    for nodeid in a.keys() & b.keys():
        if _timestamp(b[nodeid]) > _timestamp(a[nodeid]):
            merged[nodeid] = b[nodeid]
    return dict(sorted(merged.items()))


def get_slowest_tests(timings: Mapping[str, Value], count: int = 10) -> list[tuple[str, float]]:
    """Give the tests that take longest, slowest first, as pairs of node id and seconds."""
    return _by_duration(timings, slowest_first=True)[: max(count, 0)]


def get_fastest_tests(timings: Mapping[str, Value], count: int = 10) -> list[tuple[str, float]]:
    """Give the tests that take the shortest, fastest first, as pairs of node id and seconds."""
    return _by_duration(timings, slowest_first=False)[: max(count, 0)]


def get_average_timing(timings: Mapping[str, Value]) -> float:
    """Give the mean duration in seconds; 0 when there is no test."""
    return math.fsum(map(_seconds, timings.values())) / len(timings) if timings else 0.0


def _write(timings: Mapping[str, Value], path: PathText, format: Literal["csv"] | None) -> bool:
    try:
        refused = _engine.write_timings(dict(timings), path, format)
    except OSError as error:
        _log.warning("%s", error)
        return False
    _log_refused(refused, path)
    return True


def _log_refused(count: int, path: PathText) -> None:
    if count:
        _log.warning("%s: values that are no timings were left out: %d", path, count)


def _by_duration(timings: Mapping[str, Value], *, slowest_first: bool) -> list[tuple[str, float]]:
    sign = -1 if slowest_first else 1
    pairs = ((nodeid, _seconds(value)) for nodeid, value in timings.items())
    return sorted(pairs, key=lambda pair: (sign * pair[1], pair[0]))


def _seconds(value: Timing | float) -> float:
    return value["duration"] if isinstance(value, Mapping) else value


def _timestamp(value: Timing | float) -> float:
    """Unix seconds; less than any time for an undated value."""
    timestamp = value.get("timestamp") if isinstance(value, Mapping) else None
    return -math.inf if timestamp is None else timestamp


def _matches(nodeid: str, pattern: str | None) -> bool:
    # Node ids have brackets of their own, so a pattern is looked for as it stands first.
    return pattern is None or pattern in nodeid or fnmatchcase(nodeid, pattern)
