"""Subcommands that read reports of earlier runs: ``compare`` and ``report``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Protocol, TypeAlias

from pytest_concurrent.reporting import files

#: Exit codes: nothing got slower; something did; the command could not be carried out.
OK, SLOWER, UNUSABLE = 0, 1, 2

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


class Engine(Protocol):
    """What these commands need of ``pytest_concurrent._engine``."""

    def benchmark(self, report: bytes, /) -> tuple[str, list[str]]:
        """Give the figures of a benchmark file or of events, as JSON and as lines.

        Raises:
            ValueError: The bytes are neither.
        """

    def compare(
        self, before: bytes, after: bytes, share: float, seconds: float, /
    ) -> tuple[bool, list[str]]:
        """Say whether the later run is slower past both tolerances, and give the lines to show.

        Raises:
            ValueError: One of the two is neither a benchmark nor events.
        """


def add_commands(subparsers: Subparsers) -> None:
    """Register ``compare`` and ``report``; each sets ``run``, to be called with the arguments."""
    _add_compare(subparsers)
    _add_report(subparsers)


def _add_compare(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "compare",
        help="show what got slower between two runs",
        description="Compare the benchmark files (or events) of two runs. "
        "Exit status 1 if the run or one of its tests got slower past the threshold.",
    )
    parser.add_argument("before", type=Path, help="benchmark JSON or events of the earlier run")
    parser.add_argument("after", type=Path, help="benchmark JSON or events of the later run")
    parser.add_argument(
        "--threshold",
        type=_not_negative,
        default=20.0,
        metavar="PERCENT",
        help="how much slower something may be (default: %(default)g)",
    )
    parser.add_argument(
        "--min-seconds",
        type=_not_negative,
        default=0.1,
        metavar="SEC",
        help="ignore what got slower by less than this (default: %(default)g)",
    )
    parser.set_defaults(run=compare)


def _add_report(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "report",
        help="make the reports of a run again from its events",
        description="Make the reports of a run again from the file of --concurrent-events.",
    )
    parser.add_argument("events", type=Path, help="events of a run")
    parser.add_argument(
        "--benchmark-json", type=Path, metavar="FILE", help="write the benchmark report there"
    )
    parser.set_defaults(run=report)


def _not_negative(text: str) -> float:
    number = float(text)
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number that is not negative, got {text}")
    return number


def compare(arguments: argparse.Namespace, engine: Engine | None = None) -> int:
    """Print what got slower from ``arguments.before`` to ``arguments.after``.

    Returns:
        The exit code: ``OK``, ``SLOWER`` past the threshold, or ``UNUSABLE`` files.
    """
    before, after = _read(arguments.before), _read(arguments.after)
    if before is None or after is None:
        return UNUSABLE
    share, seconds = arguments.threshold / 100, arguments.min_seconds
    try:
        is_slower, lines = (engine or _engine()).compare(before, after, share, seconds)
    except ValueError as error:
        return _refuse(f"cannot compare {arguments.before} with {arguments.after}: {error}")
    print(*lines, sep="\n")
    return SLOWER if is_slower else OK


def report(arguments: argparse.Namespace, engine: Engine | None = None) -> int:
    """Print the benchmark of the run in ``arguments.events``, and write the files asked for.

    Returns:
        The exit code: ``OK``, or ``UNUSABLE`` if a file cannot be read or written.
    """
    events = _read(arguments.events)
    if events is None:
        return UNUSABLE
    try:
        json, lines = (engine or _engine()).benchmark(events)
    except ValueError as error:
        return _refuse(f"cannot read {arguments.events}: {error}")
    print(*lines, sep="\n")
    return OK if arguments.benchmark_json is None else _write(arguments.benchmark_json, json)


def _engine() -> Engine:
    from pytest_concurrent import _engine

    return _engine


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError as error:
        _refuse(f"cannot read {path}: {error.strerror or error}")
        return None


def _write(path: Path, text: str) -> int:
    try:
        files.write(path, text)
    except OSError as error:
        return _refuse(f"cannot write {path}: {error.strerror or error}")
    return OK


def _refuse(message: str) -> int:
    print(f"pytest-concurrent: {message}", file=sys.stderr)
    return UNUSABLE
