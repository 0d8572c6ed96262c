"""Compare two JUnit files outcome by outcome.

    python benchmarks/compare_junit.py SEQUENTIAL.xml CONCURRENT.xml [--normalise] [--texts]

Two files are alike when every test (class name and name) has the same outcomes equally often.
Exit code 0: alike, 1: they differ, 2: a file cannot be read.
"""

from __future__ import annotations

import argparse
import re
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import zip_longest
from pathlib import Path

OUTCOME_TAGS = frozenset({"failure", "error", "skipped"})
SHOWN_WIDTH = 300

NORMALISED = (
    (re.compile(r"\b0x[0-9a-fA-F]+\b"), "0x…"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"\b(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{12,}\b"), "<hex>"),
    (re.compile(r"\b\d+(?:\.\d+)?\s?(?:s|ms|µs|us|ns|sec|secs|seconds)\b"), "<duration>"),
    (re.compile(r"\b127\.0\.0\.1:\d{5}\b"), "127.0.0.1:<port>"),  # of the client's side
    (re.compile(r"pytest-of-[^/\s]+/pytest-\d+(?:/popen-gw\d+)?"), "<tmp>"),
)


@dataclass(frozen=True, order=True)
class Outcome:
    """What happened once to one test: `parts` is empty when it passed.

    Each part is (tag, type, message, text) of one failure, error or skip, in file order.
    """

    test: str
    parts: tuple[tuple[str, str, str, str], ...]

    def __str__(self) -> str:
        """Give one line for people: the tags, and each type and message."""
        if not self.parts:
            return "passed"
        return "; ".join(_shown(part) for part in self.parts)


@dataclass(frozen=True)
class Reading:
    """How to read a file: what to leave out of it and what to make equal."""

    normalise: bool = False
    texts: bool = False
    messages: bool = True
    ignore: tuple[str, ...] = ()

    def outcomes(self, path: Path) -> list[Outcome]:
        """Read the outcomes of `path` in file order.

        Raises `OSError` or `xml.etree.ElementTree.ParseError` when it cannot be read.
        """
        cases = ET.parse(path).getroot().iter("testcase")
        return [outcome for outcome in map(self._outcome, cases) if not self._ignored(outcome)]

    def _outcome(self, case: ET.Element) -> Outcome:
        test = self._text(f"{case.get('classname', '')}::{case.get('name', '')}")
        return Outcome(test, tuple(self._parts(case)))

    def _parts(self, case: ET.Element) -> Iterator[tuple[str, str, str, str]]:
        for child in case:
            if child.tag in OUTCOME_TAGS:
                message = self._text(child.get("message", "")) if self.messages else ""
                text = self._text(child.text or "") if self.texts else ""
                yield child.tag, child.get("type", ""), message, text

    def _text(self, text: str) -> str:
        return normalised(text) if self.normalise else text

    def _ignored(self, outcome: Outcome) -> bool:
        return any(fnmatchcase(outcome.test, pattern) for pattern in self.ignore)


def normalised(text: str) -> str:
    """Replace what differs between any two runs: addresses, hex ids, durations, temp folders."""
    for pattern, stand_in in NORMALISED:
        text = pattern.sub(stand_in, text)
    return text


def differences(left: Sequence[Outcome], right: Sequence[Outcome]) -> list[str]:
    """Say how two lists of outcomes differ, one entry a test; the order plays no part."""
    if left == right:
        return []
    ours, theirs = _by_test(left), _by_test(right)
    return [
        _difference(test, ours.get(test, Counter()), theirs.get(test, Counter()))
        for test in sorted(ours.keys() | theirs.keys())
        if ours.get(test) != theirs.get(test)
    ]


def first_out_of_order(left: Sequence[Outcome], right: Sequence[Outcome]) -> str | None:
    """Name the first place where two lists hold different tests, or None."""
    for place, (ours, theirs) in enumerate(zip_longest(left, right), start=1):
        if ours is None or theirs is None or ours.test != theirs.test:
            names = [outcome.test if outcome else "nothing" for outcome in (ours, theirs)]
            return (
                f"order: outcome {place} is of {names[0]} in the first file"
                f" and of {names[1]} in the second"
            )
    return None


def _by_test(outcomes: Sequence[Outcome]) -> dict[str, Counter[Outcome]]:
    grouped: dict[str, Counter[Outcome]] = {}
    for outcome in outcomes:
        grouped.setdefault(outcome.test, Counter())[outcome] += 1
    return grouped


def _difference(test: str, left: Counter[Outcome], right: Counter[Outcome]) -> str:
    lines = [test]
    lines += [
        f"  only in the first:  {_times(count)}{o}" for o, count in sorted((left - right).items())
    ]
    lines += [
        f"  only in the second: {_times(count)}{o}" for o, count in sorted((right - left).items())
    ]
    return "\n".join(lines)


def _times(count: int) -> str:
    return "" if count == 1 else f"{count} times "


def _shown(part: tuple[str, str, str, str]) -> str:
    tag, type_, message, text = part
    said = " ".join(
        piece
        for piece in (tag, type_ and f"[{type_}]", repr(message), text and repr(text))
        if piece
    )
    return said if len(said) <= SHOWN_WIDTH else said[: SHOWN_WIDTH - 1] + "…"


def tally(outcomes: Sequence[Outcome]) -> str:
    """Count the outcomes by kind: `6895 outcomes (6815 passed, 80 skipped)`."""
    kinds = Counter(outcome.parts[0][0] if outcome.parts else "passed" for outcome in outcomes)
    return (
        f"{len(outcomes)} outcomes ({', '.join(f'{n} {kind}' for kind, n in kinds.most_common())})"
    )


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("first", type=Path, help="JUnit file, usually of the sequential run")
    parser.add_argument("second", type=Path, help="JUnit file to compare with it")
    parser.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="PATTERN",
        help="leave out tests whose classname::name matches this shell pattern; may be repeated",
    )
    parser.add_argument(
        "--normalise", action="store_true", help=(normalised.__doc__ or "").rstrip(".")
    )
    parser.add_argument(
        "--texts", action="store_true", help="compare tracebacks and reasons in full too"
    )
    parser.add_argument(
        "--no-messages", action="store_true", help="compare only outcomes and their types"
    )
    parser.add_argument(
        "--order", action="store_true", help="tests must stand in the same order too"
    )
    parser.add_argument(
        "--show", type=int, default=50, metavar="N", help="print at most N differences (default 50)"
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Compare the two files of the command line; return the exit code."""
    options = _arguments(argv)
    reading = Reading(
        options.normalise, options.texts, not options.no_messages, tuple(options.ignore)
    )
    try:
        left, right = reading.outcomes(options.first), reading.outcomes(options.second)
    except (OSError, ET.ParseError) as error:
        print(f"a JUnit file cannot be read: {error}", file=sys.stderr)
        return 2
    print(f"{options.first}: {tally(left)}\n{options.second}: {tally(right)}")
    found = differences(left, right)
    if options.order and not found and (misplaced := first_out_of_order(left, right)):
        found = [misplaced]
    print(f"{len(found)} differences" if found else "alike")
    print(*found[: options.show], sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
