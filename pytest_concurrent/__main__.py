"""``python -m pytest_concurrent``: timings, reports and databases, without running a test."""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from pytest_concurrent import _engine, timing_utils
from pytest_concurrent.reporting import commands as reporting_commands

#: Where pytest's cache plugin lets a run keep its timings, below the project's root.
CACHED = Path(".pytest_cache", "d", "concurrent", "timings.json")

#: Exit codes: done; there was nothing to show; the command could not be carried out.
OK, NOTHING, UNUSABLE = 0, 1, 2

DAY = 86_400.0

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command and give the exit code."""
    chosen = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = chosen.run
    try:
        code = run(chosen)
        sys.stdout.flush()
    except BrokenPipeError:  # `| head` has seen enough; Python must not try again at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except (OSError, ValueError) as error:
        print(f"pytest-concurrent: {error}", file=sys.stderr)
        return UNUSABLE
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pytest_concurrent", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_timings(commands)
    reporting_commands.add_commands(commands)
    _add_databases(commands)
    return parser


def _add_timings(commands: Subparsers) -> None:
    parser = commands.add_parser(
        "timings",
        help="show, merge, export or prune timing files",
        description="Timing files say how long each test takes. JSON, CSV, JUnit XML and the "
        "files of pytest-split are read.",
    )
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    _add_show(actions)
    _add_merge(actions)
    _add_export(actions)
    _add_prune(actions)


def _add_show(actions: Subparsers) -> None:
    parser = actions.add_parser("show", help="list tests, slowest first; exit code 1 if none")
    _add_file(parser)
    parser.add_argument(
        "--slowest", type=_count, metavar="N", help="only the N slowest (default: all)"
    )
    parser.add_argument(
        "--pattern", metavar="P", help="only tests whose id contains P, or matches it as a glob"
    )
    parser.set_defaults(run=_show)


def _add_merge(actions: Subparsers) -> None:
    parser = actions.add_parser(
        "merge", help="merge files into one: the newest run of each test wins"
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="the files to merge")
    _add_output(parser)
    parser.set_defaults(run=lambda chosen: _merge(chosen.files, chosen))


def _add_export(actions: Subparsers) -> None:
    parser = actions.add_parser("export", help="write a file in another format")
    _add_file(parser)
    _add_output(parser)
    parser.set_defaults(run=lambda chosen: _merge([chosen.file], chosen))


def _add_prune(actions: Subparsers) -> None:
    parser = actions.add_parser("prune", help="drop tests from a file")
    _add_file(parser)
    rule = parser.add_mutually_exclusive_group(required=True)
    rule.add_argument(
        "--older-than",
        type=_days,
        metavar="DAYS",
        help="drop tests that ran last more than DAYS days ago; undated ones stay",
    )
    rule.add_argument(
        "--missing-from",
        type=Path,
        metavar="LIST",
        help="drop tests that LIST does not name: one node id a line, as "
        "`pytest --collect-only -q` prints them; - is the standard input",
    )
    parser.set_defaults(run=_prune)


def _add_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", nargs="?", type=Path, default=CACHED, help="timing file (default: %(default)s)"
    )


def _add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o", "--output", required=True, type=Path, metavar="OUT", help="the file to write"
    )
    parser.add_argument(
        "--format", choices=["json", "csv"], help="default: by the suffix of OUT, else json"
    )


def _add_databases(commands: Subparsers) -> None:
    parser = commands.add_parser("databases", help="drop what is left of ours on servers")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    clean = actions.add_parser(
        "clean",
        help="show which databases of ours are there and why each may go; drop those after a yes",
    )
    clean.add_argument("--yes", action="store_true", help="do not ask")
    clean.add_argument(
        "arguments", nargs="*", metavar="ARG", help="further arguments for pytest, after --"
    )
    clean.set_defaults(run=_clean_databases)


def _clean_databases(chosen: argparse.Namespace) -> int:
    import pytest

    from pytest_concurrent.databases.cleaning import Consent

    plugins = [Consent()] if chosen.yes else []
    return int(pytest.main(["--concurrent-db-clean", *chosen.arguments], plugins=plugins))


def _show(chosen: argparse.Namespace) -> int:
    timings = timing_utils.load_timings(chosen.file)
    shown = timing_utils.filter_timings(timings, pattern=chosen.pattern)
    count = len(shown) if chosen.slowest is None else chosen.slowest
    for nodeid, seconds in timing_utils.get_slowest_tests(shown, count):
        print(f"{seconds:10.3f} s  {shown[nodeid]['status']:<8}  {nodeid}")
    total = math.fsum(timing["duration"] for timing in shown.values())
    average = timing_utils.get_average_timing(shown)
    print(f"{total:10.3f} s  in {_counted(len(shown))}, {average:.3f} s on average")
    return OK if shown else NOTHING


def _merge(files: Sequence[Path], chosen: argparse.Namespace) -> int:
    tests, refused = _engine.merge_timing_files(files, chosen.output, chosen.format)
    print(f"{chosen.output}: {_counted(tests)}")
    if refused:
        print(f"pytest-concurrent: left out values that are no timings: {refused}", file=sys.stderr)
    return OK


def _prune(chosen: argparse.Namespace) -> int:
    before = None if chosen.older_than is None else time.time() - chosen.older_than * DAY
    keep = None if chosen.missing_from is None else _listed(chosen.missing_from)
    dropped, left = _engine.prune_timing_file(chosen.file, before=before, keep=keep)
    print(f"{chosen.file}: dropped {_counted(dropped)}, {left} left")
    return OK


def _listed(path: Path) -> set[str]:
    """Give the node ids in a list; without any, every test would go, so that is refused."""
    text = sys.stdin.read() if path == Path("-") else path.read_text(encoding="utf-8")
    nodeids = {line.strip() for line in text.splitlines() if "::" in line}
    if not nodeids:
        raise ValueError(f"{path} names no test: expected one node id (path::name) a line")
    return nodeids


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, got {text}")
    return number


def _days(text: str) -> float:
    number = float(text)
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number of days, got {text}")
    return number


def _counted(tests: int) -> str:
    return f"{tests:,} test{'' if tests == 1 else 's'}"


if __name__ == "__main__":
    sys.exit(main())
