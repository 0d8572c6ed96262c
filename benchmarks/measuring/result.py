"""A kept result: rounds with everything needed to judge them, in one JSON file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from measuring.process import Cost
from measuring.rounds import Round

SCHEMA = 1


@dataclass(frozen=True)
class Spread:
    """Median, smallest and largest of one figure over the rounds."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Summarise at least one value."""
        return cls(median(values), min(values), max(values))

    def __str__(self) -> str:
        """Give `median (least to most)`, each in three digits or as a whole number."""
        middle, least, most = map(_short, (self.median, self.least, self.most))
        return f"{middle} ({least} to {most})"


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


@dataclass(frozen=True)
class Criterion:
    """One figure, computed in each round from all costs; its median must not exceed `limit`.

    Without a limit it is only reported.
    """

    name: str
    figure: Callable[[Mapping[str, Cost]], float]
    limit: float | None = None

    def judge(self, rounds: Sequence[Round]) -> Judgement:
        """Summarise the figure over the rounds."""
        return Judgement(self.name, Spread.of([self.figure(r.costs) for r in rounds]), self.limit)


@dataclass(frozen=True)
class Judgement:
    """A criterion's figure over all rounds, beside its limit."""

    name: str
    spread: Spread
    limit: float | None

    @property
    def held(self) -> bool:
        """Whether the median is within the limit; true where there is none."""
        return self.limit is None or self.spread.median <= self.limit

    def as_json(self) -> dict[str, object]:
        """Give plain values for a result file."""
        return {
            "name": self.name,
            "median": self.spread.median,
            "min": self.spread.least,
            "max": self.spread.most,
            "limit": self.limit,
            "held": self.held,
        }


@dataclass
class Result:
    """What one row or one comparison gave so far.

    `setting` is what must be equal for rounds of two sittings to belong together: machine,
    versions, commands, and whether memory was sampled.
    """

    name: str
    title: str
    wanted: int
    setting: Mapping[str, object]
    rounds: list[Round] = field(default_factory=list)
    judgements: list[Judgement] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether all wanted rounds were taken."""
        return len(self.rounds) >= self.wanted

    def labels(self) -> list[str]:
        """List the commands' labels in their order."""
        return list(self.rounds[0].costs) if self.rounds else []

    def spread(self, label: str, figure: Callable[[Cost], float]) -> Spread:
        """Summarise one figure of one command over the rounds."""
        return Spread.of([figure(taken.costs[label]) for taken in self.rounds])

    def ceiling(self) -> Spread:
        """Summarise the machine's ceiling over the rounds."""
        return Spread.of([taken.ceiling for taken in self.rounds])

    def save(self, path: Path) -> None:
        """Write the result, whole or not at all."""
        unfinished = path.with_suffix(".part")
        unfinished.write_text(json.dumps(self._as_json(), indent=1) + "\n")
        unfinished.replace(path)

    def _as_json(self) -> dict[str, object]:
        return {
            "schema": SCHEMA,
            "name": self.name,
            "title": self.title,
            "wanted": self.wanted,
            "setting": self.setting,
            "medians": {label: self._medians(label) for label in self.labels()},
            "criteria": [judgement.as_json() for judgement in self.judgements],
            "rounds": [taken.as_json() for taken in self.rounds],
        }

    def _medians(self, label: str) -> dict[str, float]:
        return {
            "wall": self.spread(label, lambda cost: cost.wall).median,
            "cpu": self.spread(label, lambda cost: cost.cpu).median,
            "controller": self.spread(label, lambda cost: cost.controller).median,
            "peak_pss": self.spread(label, lambda cost: cost.peak_pss).median,
        }


def load(path: Path) -> Result:
    """Read a kept result.

    Raises `OSError` when it cannot be read, `ValueError` or `KeyError` when it is no result.
    """
    stored = json.loads(path.read_text())
    if stored.get("schema") != SCHEMA:
        raise ValueError(f"{path} is not a result of schema {SCHEMA}")
    return Result(
        stored["name"],
        stored["title"],
        stored["wanted"],
        stored["setting"],
        [Round.from_json(taken) for taken in stored["rounds"]],
        [_judgement(criterion) for criterion in stored["criteria"]],
    )


def _judgement(stored: Mapping[str, float]) -> Judgement:
    spread = Spread(stored["median"], stored["min"], stored["max"])
    return Judgement(str(stored["name"]), spread, stored["limit"])
