"""What a run left behind: its exit status, its last line, its files."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

#: How JUnit tells that a test did not pass.
_TOLD = ("failure", "error", "skipped")


@dataclass(frozen=True)
class Aftermath:
    """What a run left behind.

    Attributes:
        exit: The exit status; negative for a signal.
        events: Its event stream.
        cases: For each test in JUnit, what its entries say: `passed` or the name of an element.
        totals: The numbers of pytest's last line.
        terminal: All that it printed.
        seconds: How long it took.
        ended_at: When it ended, in Unix time.
    """

    exit: int
    events: list[dict[str, Any]]
    cases: dict[str, list[str]]
    totals: Counter[str]
    terminal: str
    seconds: float
    ended_at: float
    leftovers: list[str] = field(default_factory=list)

    @cached_property
    def ending(self) -> str:
        """Why the run was over; empty if it never said."""
        ends = [str(one["ending"]) for one in self.events if one["event"] == "run_finished"]
        return ends[-1] if ends else ""

    @property
    def last_silence(self) -> float:
        """Seconds from the last line of the stream to the end of the process."""
        if not self.events:
            return 0.0
        began = float(self.events[0]["started_at"])
        return self.ended_at - began - float(self.events[-1]["time"])

    @property
    def longest_silence(self) -> tuple[float, float]:
        """The longest time between two lines of the stream, and when it began; in seconds."""
        times = [float(one["time"]) for one in self.events]
        gaps = [(later - earlier, earlier) for earlier, later in pairwise(times)]
        return max(gaps, default=(0.0, 0.0))


def read_events(path: Path) -> list[dict[str, Any]]:
    """The lines of a stream; the last one may be cut short where the controller was killed."""
    return list(_read_events(path)) if path.exists() else []


def _read_events(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(errors="replace") as file:
        for line in file:
            if line.endswith("}\n"):
                yield json.loads(line)


def read_junit(path: Path) -> dict[str, list[str]]:
    """What each test's entries say, by class and name, as in the node id of a test of the soak."""
    cases: dict[str, list[str]] = defaultdict(list)
    if path.exists():
        for case in ET.parse(path).iter("testcase"):
            said = [child.tag for child in case if child.tag in _TOLD]
            cases[f"{case.get('classname')}.{case.get('name')}"] += said or ["passed"]
    return cases


def junit_name(nodeid: str) -> str:
    """What JUnit calls a test."""
    path, _, rest = nodeid.partition("::")
    module = path.removesuffix(".py").replace("/", ".")
    return f"{module}.{rest.replace('::', '.')}"


def read_totals(terminal: str) -> Counter[str]:
    """The numbers of pytest's last line, by word."""
    lines = re.findall(r"^=* ?(\d+ \w+(?:, \d+ \w+)*) in [\d.]+s", terminal, re.MULTILINE)
    pairs = re.findall(r"(\d+) (\w+)", lines[-1] if lines else "")
    words = {"errors": "error", "warnings": "warning"}
    return Counter({words.get(word, word): int(count) for count, word in pairs})
