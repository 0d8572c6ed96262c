"""Run pytest-xdist's own acceptance suite with `-n K` read as `--concurrent --workers=K`.

    python benchmarks/xdist_acceptance.py --home DIR [--page FILE] [-- PYTEST ARGUMENTS]
    python benchmarks/xdist_acceptance.py --home DIR --start spawn

`DIR` is what `setup.py --suites` made. The source package is all that is fetched, and none of it is
kept in this repository. Each case passes, or `xdist_differences.py` says why it is meant to differ;
`--page` writes both as a table. Exit code 0: as said, 1: a case does otherwise, 2: it did not run.
"""

from __future__ import annotations

import argparse
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from measuring.process import CommandError
from real_suites import XDIST
from xdist_differences import BY_CHANCE, DIFFERENCES, ON_ONE

HEAD = """# pytest-xdist's own acceptance suite

`testing/acceptance_test.py` of {source}, run by
[`benchmarks/xdist_acceptance.py`](../../benchmarks/xdist_acceptance.py) with pytest-xdist
installed, once on each kind of workers: what it writes as `-n K`, `--tx`, `--dist` and
`--max-worker-restart` is read in our words, everything else is as pytest-xdist's project ships it.

{passed}. The others differ on purpose:

"""


def outcomes(junit: Path) -> dict[str, str]:
    """What became of each case: `passed`, `failed` or `skipped` (which an expected failure is)."""
    found = {}
    for case in ET.parse(junit).getroot().iter("testcase"):
        name = f"{case.get('classname', '')}::{case.get('name', '')}".partition("acceptance_test")[
            2
        ]
        tags = {child.tag for child in case}
        failed = tags & {"failure", "error"}
        found[name.lstrip(".:")] = (
            "failed" if failed else "skipped" if "skipped" in tags else "passed"
        )
    return found


def reason(case: str, start: str) -> str | None:
    """Why a case is meant to differ on workers that start so; None = it is not."""
    said = {**ON_ONE[start], **DIFFERENCES}
    return next((why for pattern, why in said.items() if fnmatchcase(case, pattern)), None)


def surprises(found: Mapping[str, str], start: str) -> Iterator[str]:
    """Cases that do otherwise than is said."""
    for case, outcome in found.items():
        if outcome == "failed" and reason(case, start) is None:
            yield f"fails: {case}"
        if outcome == "passed" and case not in BY_CHANCE and reason(case, start) is not None:
            yield f"passes, although it is said to differ: {case}"


def page(found: Mapping[str, Mapping[str, str]]) -> str:
    """The table for people, of what was found by how workers start."""
    starts = [*found]
    counted = "; ".join(_counted(start, outcomes) for start, outcomes in found.items())
    told = counted[:1].upper() + counted[1:]
    lines = [f"| Case | {' | '.join(starts)} | Why it differs |", "|---" * (2 + len(starts)) + "|"]
    for case in dict.fromkeys(case for outcomes in found.values() for case in outcomes):
        hows = [found[start].get(case, "-") for start in starts]
        if "failed" in hows:
            cells = " | ".join("differs" if how == "failed" else how for how in hows)
            whys = dict.fromkeys(
                str(reason(case, start))
                for start, how in zip(starts, hows, strict=True)
                if how == "failed"
            )
            lines.append(f"| `{case}` | {cells} | {'; '.join(whys)} |")
    head = HEAD.format(source=XDIST.source.replace("==", " "), passed=told)
    return head + "\n".join(lines) + "\n"


def _counted(start: str, outcomes: Mapping[str, str]) -> str:
    count = Counter(outcomes.values())
    by_itself = f", {count['skipped']} are skipped or expected to fail by themselves"
    with_skipped = by_itself if count["skipped"] else ""
    return f"with {start} {count['passed']} of {len(outcomes)} cases pass{with_skipped}"


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--home", type=Path, required=True, help="the folder that setup.py made")
    parser.add_argument(
        "--start", nargs="+", choices=[*ON_ONE], default=[*ON_ONE], help="default: each in turn"
    )
    parser.add_argument("--page", type=Path, help="write the table to this file")
    parser.add_argument("words", nargs="*", help="further arguments for pytest")
    return parser.parse_args(argv)


def measure(home: Path, start: str, words: Sequence[str]) -> dict[str, str]:
    """Run the cases on workers that start so. Raises `CommandError`."""
    variables = {
        "PYTHONPATH": str(Path(__file__).resolve().parent),
        "PYTEST_CONCURRENT_OPT_START": start,
    }
    suite = replace(XDIST, variables=variables, exit_code=1)
    words = ("-p", "xdist_words", "--runpytest=subprocess", *words)
    junit, cost = suite.run(home, f"acceptance-{start}", *words)
    found = outcomes(junit)
    for case, outcome in found.items():
        if outcome == "failed":
            print(f"differs: {case}: {reason(case, start) or '?'}")
    print(f"{start}: {len(found)} cases in {cost.wall:.0f} s", flush=True)
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Run the cases; return the exit code."""
    options = _arguments(argv)
    found: dict[str, dict[str, str]] = {}
    wrong: list[str] = []
    for start in options.start:
        try:
            found[start] = measure(options.home.resolve(), start, options.words)
        except CommandError as error:
            print(error, file=sys.stderr)
            return 2
        wrong += [f"{start}: {one}" for one in surprises(found[start], start)]
    print(*wrong, sep="\n")
    if options.page is not None:
        options.page.write_text(page(found))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
