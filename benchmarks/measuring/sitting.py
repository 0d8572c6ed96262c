"""One sitting: warm up, take rounds until enough are there or the time is up, keep each at once."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from measuring.machine import description, versions
from measuring.result import Criterion, Result, load
from measuring.rounds import Budget, Command, Round, take_round
from measuring.table import as_markdown, write_index

UNFINISHED_EXIT = 3


@dataclass(frozen=True)
class Comparison:
    """Commands to compare, what to judge them by, and how many rounds to take.

    `python` is the interpreter whose packages are compared; its versions go into the result.
    """

    name: str
    title: str
    commands: Sequence[Command]
    criteria: Sequence[Criterion]
    python: Path
    rounds: int = 5
    warm_ups: int = 1
    sample_memory: bool = False


@dataclass(frozen=True)
class Sitting:
    """Where results go, where suites and logs live, and how many minutes it may last.

    The path of `home` never enters a result. `again` forgets the rounds of earlier sittings;
    `rounds` replaces the number that the comparison wants.
    """

    results: Path
    home: Path
    minutes: float
    again: bool = False
    rounds: int | None = None

    def hold(self, comparison: Comparison) -> int:
        """Take the rounds that are missing; return 0 held, 1 missed, 3 not finished yet."""
        budget = Budget(60 * self.minutes)
        path = self.results / f"{comparison.name}.json"
        result = self._continued(path, self._fresh(comparison))
        if not result.complete:
            self._take_rounds(comparison, result, path, budget)
        print(as_markdown(result))
        if not result.complete:
            print(f"{len(result.rounds)} of {result.wanted} rounds; run the same again to go on")
            return UNFINISHED_EXIT
        return 0 if all(judgement.held for judgement in result.judgements) else 1

    def _fresh(self, comparison: Comparison) -> Result:
        setting = {
            "machine": description(),
            "versions": versions(comparison.python),
            "sampled_memory": comparison.sample_memory,
            "commands": {c.label: self._anonymous(c.argv) for c in comparison.commands},
        }
        return Result(comparison.name, comparison.title, self.rounds or comparison.rounds, setting)

    def _anonymous(self, argv: Sequence[str]) -> list[str]:
        return [word.replace(str(self.home), "HOME") for word in argv]

    def _continued(self, path: Path, fresh: Result) -> Result:
        """Go on with a kept result if it was taken on this machine from the very same commands."""
        if self.again or not path.exists():
            return fresh
        kept = load(path)
        if kept.setting != fresh.setting:
            print(f"{path.name} was taken in another setting: starting anew", file=sys.stderr)
            return fresh
        kept.wanted = fresh.wanted
        return kept

    def _take_rounds(
        self, comparison: Comparison, result: Result, path: Path, budget: Budget
    ) -> None:
        logs = self.home / "logs" / comparison.name
        if not result.rounds:
            for number in range(comparison.warm_ups):
                _timed_round(comparison, logs, budget, f"warm-up {number + 1}")
        while not result.complete and budget.has_room():
            label = f"round {len(result.rounds) + 1} of {result.wanted}"
            result.rounds.append(_timed_round(comparison, logs, budget, label))
            result.judgements = [one.judge(result.rounds) for one in comparison.criteria]
            result.save(path)
            write_index(self.results)


def _timed_round(comparison: Comparison, logs: Path, budget: Budget, name: str) -> Round:
    start = time.perf_counter()
    taken = take_round(comparison.commands, logs, sample_memory=comparison.sample_memory)
    budget.count(time.perf_counter() - start)
    walls = ", ".join(f"{label} {cost.wall:.2f} s" for label, cost in taken.costs.items())
    print(f"{comparison.name}, {name}: ceiling {taken.ceiling:.2f}, {walls}", file=sys.stderr)
    return taken
