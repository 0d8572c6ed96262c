"""Run pytest-xdist's own acceptance suite with `-n K` read as `--concurrent --workers=K`.

    python benchmarks/xdist_acceptance.py --home DIR [--page FILE] [-- PYTEST ARGUMENTS]

`DIR` is what `setup.py --suites pytest-xdist` made. The source package is all that is fetched, and
none of it is kept in this repository. Each case passes, or `DIFFERENCES` says why it is meant to
differ; `--page` writes both as a table. Exit code 0: as said, 1: a case does otherwise.
"""

from __future__ import annotations

import argparse
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from measuring.process import CommandError
from real_suites import XDIST
from xdist_differences import DIFFERENCES

HEAD = """# pytest-xdist's own acceptance suite

`testing/acceptance_test.py` of {source}, run by
[`benchmarks/xdist_acceptance.py`](../../benchmarks/xdist_acceptance.py) on forked workers, with
pytest-xdist installed: what it writes as `-n K`, `--tx`, `--dist` and `--max-worker-restart` is
read in our words, everything else is as pytest-xdist's project ships it.

{passed} of {all} cases pass{skipped}. The others differ on purpose:

| Case | Why it differs |
|---|---|
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


def reason(case: str) -> str | None:
    """Why a case is meant to differ; None = it is not."""
    return next((why for pattern, why in DIFFERENCES.items() if fnmatchcase(case, pattern)), None)


def surprises(found: Mapping[str, str]) -> Iterator[str]:
    """Cases that do otherwise than is said."""
    for case, outcome in found.items():
        if outcome == "failed" and reason(case) is None:
            yield f"fails: {case}"
        if outcome == "passed" and reason(case) is not None:
            yield f"passes, although it is said to differ: {case}"


def page(found: Mapping[str, str]) -> str:
    """The table for people."""
    count = {kind: sum(one == kind for one in found.values()) for kind in set(found.values())}
    skipped = f", {count.get('skipped')} are skipped or expected to fail by themselves"
    head = HEAD.format(
        source=XDIST.source.replace("==", " "),
        passed=count.get("passed", 0),
        all=len(found),
        skipped=skipped if "skipped" in count else "",
    )
    rows = [f"| `{one}` | {reason(one)} |" for one, how in found.items() if how == "failed"]
    return head + "\n".join(rows) + "\n"


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--home", type=Path, required=True, help="the folder that setup.py made")
    parser.add_argument("--page", type=Path, help="write the table to this file")
    parser.add_argument("words", nargs="*", help="further arguments for pytest")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the cases; return the exit code."""
    options = _arguments(argv)
    home = options.home.resolve()
    variables = {"PYTHONPATH": str(Path(__file__).resolve().parent)}
    suite = replace(XDIST, variables=variables, exit_code=1)
    words = ("-p", "xdist_words", "--runpytest=subprocess", *options.words)
    try:
        junit, cost = suite.run(home, "acceptance", *words)
    except CommandError as error:
        print(error, file=sys.stderr)
        return 2
    found = outcomes(junit)
    for case, outcome in found.items():
        if outcome == "failed":
            print(f"differs: {case}: {reason(case) or '?'}")
    wrong = [*surprises(found)]
    print(f"{len(found)} cases in {cost.wall:.0f} s", *wrong, sep="\n")
    if options.page is not None:
        options.page.write_text(page(found))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
