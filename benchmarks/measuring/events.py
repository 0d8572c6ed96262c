"""Read what `--concurrent-events` wrote: one JSON object a line.

Used here are `event`, `time` (seconds since the start of the run) and `worker` (the slot's name).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Event:
    """One line: what happened, when (seconds since the start of the run), in which slot."""

    event: str
    time: float
    worker: str


def read(path: Path) -> list[Event]:
    """Read the events of `path` in file order; lines without a time are left out.

    Raises `OSError` when it cannot be read and `ValueError` when a line is not JSON.
    """
    lines = (json.loads(line) for line in path.read_text().splitlines() if line.strip())
    return [_event(line) for line in lines if "event" in line and "time" in line]


def _event(line: dict[str, Any]) -> Event:
    return Event(str(line["event"]), float(line["time"]), str(line.get("worker") or ""))


def span(events: Sequence[Event]) -> float:
    """Give the seconds from the first test's start to the last test's end.

    Raises `ValueError` when no test started or none ended.
    """
    starts = [event.time for event in events if event.event == "test_started"]
    ends = [event.time for event in events if event.event == "test_finished" and event.worker]
    if not starts or not ends:
        raise ValueError("the events file has no test_started or no test_finished")
    return max(ends) - min(starts)


def replacements(events: Sequence[Event]) -> list[float]:
    """Give, for each worker that died, the seconds until its slot waited for a test again.

    A death that nobody replaced, because nothing was left to run, is left out.
    """
    deaths = [place for place, event in enumerate(events) if event.event == "worker_died"]
    waits = (_wait_after(events, place) for place in deaths)
    return [wait for wait in waits if wait is not None]


def _wait_after(events: Sequence[Event], death: int) -> float | None:
    for later in events[death + 1 :]:
        if later.event == "worker_ready" and later.worker == events[death].worker:
            return later.time - events[death].time
    return None
