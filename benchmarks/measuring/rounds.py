"""Rounds: every command once, interleaved, so that drift of the machine meets all alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from measuring.machine import ceiling
from measuring.process import Cost, run

Observe = Callable[[], dict[str, float]]
Prepare = Callable[[], object]


@dataclass(frozen=True)
class Command:
    """One of the commands that are compared.

    `prepare` is called before each run, unmeasured: it puts back what earlier runs changed.
    `observe` is called after each run and reads figures from files that the run wrote.
    `limit`: seconds until a run counts as hung.
    """

    label: str
    argv: Sequence[str]
    cwd: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    expected_exit: int = 0
    observe: Observe | None = None
    prepare: Prepare | None = None
    limit: float = 600.0

    def measure(self, logs: Path, *, sample_memory: bool) -> Cost:
        """Run once; the output goes to `logs`. Raises `CommandError`."""
        if self.prepare:
            self.prepare()
        cost = run(
            self.argv,
            cwd=self.cwd,
            log=logs / f"{self.label}.log",
            environment=self.environment,
            expected_exit=self.expected_exit,
            sample_memory=sample_memory,
            limit=self.limit,
        )
        return replace(cost, observed=self.observe()) if self.observe else cost


@dataclass(frozen=True)
class Round:
    """The machine's ceiling just before, and each command's cost by its label."""

    ceiling: float
    costs: Mapping[str, Cost]

    def as_json(self) -> dict[str, object]:
        """Give plain values for a result file."""
        return {
            "ceiling": self.ceiling,
            "costs": {label: cost.as_json() for label, cost in self.costs.items()},
        }

    @classmethod
    def from_json(cls, stored: dict[str, object]) -> Round:
        """Read what `as_json` gave. Raises `KeyError` or `TypeError` when it is something else."""
        costs, reading = stored["costs"], stored["ceiling"]
        if not isinstance(costs, dict) or not isinstance(reading, float):
            raise TypeError("a stored round has no costs or no ceiling")
        return cls(reading, {label: Cost(**cost) for label, cost in costs.items()})


def take_round(commands: Sequence[Command], logs: Path, *, sample_memory: bool) -> Round:
    """Measure the ceiling, then every command once, in order."""
    logs.mkdir(parents=True, exist_ok=True)
    reading = ceiling()
    costs = {
        command.label: command.measure(logs, sample_memory=sample_memory) for command in commands
    }
    return Round(reading, costs)


@dataclass
class Budget:
    """Time for one sitting: says whether another round as long as the longest so far fits."""

    seconds: float
    started: float = field(default_factory=time.perf_counter)
    longest: float = 0.0

    def used(self) -> float:
        """Seconds since the start of the sitting."""
        return time.perf_counter() - self.started

    def has_room(self) -> bool:
        """Say whether one more round fits; true as long as none was taken."""
        return self.used() + self.longest <= self.seconds

    def count(self, seconds: float) -> None:
        """Remember how long a round took."""
        self.longest = max(self.longest, seconds)
