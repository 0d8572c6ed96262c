"""How many workers there are to be, and why so many."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

import pytest

from pytest_concurrent import _engine
from pytest_concurrent.compat import xdist
from pytest_concurrent.settings import Settings


@dataclass(frozen=True)
class Staff:
    """The number of workers of a run.

    Attributes:
        slots: At most so many at once.
        reason: What set the number at the start.
        first: So many start.
        least: No fewer remain where the number moves with the load; None = it does not.
    """

    slots: int
    reason: str
    first: int
    least: int | None = None

    def within(self, most: int, reason: str) -> Staff:
        """The same where no more than `most` can be had, for a reason."""
        if most >= self.slots:
            return self
        return replace(
            self,
            slots=most,
            reason=reason if most < self.first else self.reason,
            first=min(self.first, most),
            least=None if self.least is None else min(self.least, most),
        )


def staff(config: pytest.Config, settings: Settings, groups: int = sys.maxsize) -> Staff:
    """Decide how many workers there are to be.

    Args:
        config: pytest's configuration.
        settings: What was asked for.
        groups: How many groups of tests could run side by side; as many as one likes if that is
            not known yet.
    """
    if settings.workers == "auto":
        number, reason = xdist.auto_workers(config) or _engine.advise_workers(groups)
        number, reason = _between_bounds(number, reason, settings)
    else:
        number, reason = settings.workers, _given(settings, "workers")
    if not settings.scale:
        return Staff(number, reason, number)
    most = max(1, min(settings.max_workers, groups))
    number, reason = _between_bounds(number, reason, settings)
    return Staff(most, reason, min(number, most), min(settings.min_workers, most))


def _between_bounds(number: int, reason: str, settings: Settings) -> tuple[int, str]:
    """Keep to the bounds: always where the number moves, else to those that somebody gave."""
    if number < settings.min_workers and _counts(settings, "min_workers"):
        return settings.min_workers, _given(settings, "min_workers")
    if number > settings.max_workers and _counts(settings, "max_workers"):
        return settings.max_workers, _given(settings, "max_workers")
    return number, reason


def _counts(settings: Settings, bound: str) -> bool:
    return settings.scale or bound in settings.sources


def _given(settings: Settings, name: str) -> str:
    source = settings.source(name).removesuffix(" on the command line")
    return f"--concurrent-{name.replace('_', '-')}" if source == "default" else source
