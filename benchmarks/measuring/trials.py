"""What comparisons of real suites came to, kept in a JSON file and told as a table."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from measuring.machine import description, versions

SCHEMA = 1
HEAD = """# Real suites, compared with their sequential runs

Made by `identical.py --record`; do not edit. *Alike*: the same tests, outcomes, texts of failures
and reasons, in the same order in the JUnit file, and no process left behind. For coverage: the same
lines and branches of every file. Why some differ says
[the page about real suites](../../../docs/reference/suites.md).
"""


@dataclass(frozen=True)
class Trial:
    """One comparison of a suite with its sequential run.

    `source` is the pinned source package, `outcomes` how many there were, `differences` how many
    differed, `coverage` the total in words where lines were compared rather than outcomes.
    """

    suite: str
    source: str
    start: str
    workers: int
    outcomes: int
    differences: int
    coverage: str = ""

    @property
    def key(self) -> tuple[str, str, int, bool]:
        """What a later trial of the same kind takes the place of."""
        return self.suite, self.start, self.workers, bool(self.coverage)


class Trials:
    """The kept trials, written after each one, with a table beside them for people.

    Args:
        path: The JSON file.
        python: The interpreter whose versions are named.
    """

    def __init__(self, path: Path, python: Path) -> None:
        self._path = path
        self._setting = {"machine": description(), "versions": versions(python)}
        kept = json.loads(path.read_text())["trials"] if path.exists() else []
        self._trials = {trial.key: trial for trial in (Trial(**one) for one in kept)}

    def add(self, trial: Trial) -> None:
        """Keep a trial in place of an earlier one of its kind."""
        self._trials[trial.key] = trial
        ordered = [self._trials[key] for key in sorted(self._trials)]
        text = {"schema": SCHEMA, **self._setting, "trials": [asdict(one) for one in ordered]}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(text, indent=1) + "\n")
        (self._path.parent / "README.md").write_text("\n".join(table(ordered)) + "\n")


def table(trials: list[Trial]) -> list[str]:
    """One row for each suite, one column for each way to run it."""
    ways = sorted({(one.start, one.workers) for one in trials if not one.coverage})
    starts = sorted({one.start for one in trials if one.coverage})
    found = {one.key: one for one in trials}
    heads = [*(f"{start}, {workers} workers" for start, workers in ways)]
    heads += [f"coverage, {start}" for start in starts]
    lines = [HEAD, f"| Suite | Outcomes | {' | '.join(heads)} |", "|---" * (2 + len(heads)) + "|"]
    for suite in sorted({one.suite for one in trials}):
        own = [one for one in trials if one.suite == suite]
        cells = [_cell(found.get((suite, *way, False))) for way in ways]
        for start in starts:
            measured = [one for one in own if one.start == start and one.coverage]
            cells.append(_cell(measured[0] if measured else None))
        lines.append(f"| {own[0].source or suite} | {own[0].outcomes:,} | {' | '.join(cells)} |")
    return lines


def _cell(trial: Trial | None) -> str:
    if trial is None:
        return "-"
    said = f"**{trial.differences} differ**" if trial.differences else "alike"
    return f"{said}: {trial.coverage}" if trial.coverage else said
