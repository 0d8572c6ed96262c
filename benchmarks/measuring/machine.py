"""The machine under the figures: its ceiling, which drifts, and the versions of what ran."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from pathlib import Path

LOOP_SECONDS = 0.1  # one, two and one loops at once: about 0.3 s a reading, cheap beside a round
CALIBRATION_STEPS = 200_000

VERSIONS_PROGRAM = """
import hashlib, importlib.metadata as metadata, json, platform, sys
found = {"python": platform.python_version()}
for name in sys.argv[1:]:
    try:
        distribution = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        continue
    found[name] = distribution.version
    if name == "pytest-concurrent-engine":
        record = distribution.read_text("RECORD") or ""
        found[name] += "+" + hashlib.sha256(record.encode()).hexdigest()[:12]
print(json.dumps(found))
"""
DISTRIBUTIONS = (
    "pytest",
    "pytest-xdist",
    "pytest-concurrent-engine",
    "networkx",
    "numpy",
    "scipy",
    "pandas",
    "Django",
    "pytest-django",
    "djangorestframework",
    "wagtail",
    "psycopg",
)


def ceiling() -> float:
    """Measure how many times the work of one busy loop two at once do: about 1 to 2.

    Nothing that keeps two processors busy can be faster than one by more than this. The quicker
    of two single loops counts, since a disturbance can only slow one down.
    """
    steps = _steps_in(LOOP_SECONDS)
    before, both, after = (_loops_at_once(count, steps) for count in (1, 2, 1))
    return 2 * min(before, after) / both


def description() -> dict[str, str | int]:
    """Describe the processor, how many of them this process may use, and the kernel."""
    return {
        "processor": _processor(),
        "processors": len(os.sched_getaffinity(0)),
        "system": platform.system(),
        "kernel": platform.release(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
    }


def versions(python: Path) -> dict[str, str]:
    """Ask an interpreter for its own version and those of the installed packages that matter.

    Ours carries a digest of its installed files, so that figures of two builds are never mixed.
    """
    answer = subprocess.run(
        [str(python), "-c", VERSIONS_PROGRAM, *DISTRIBUTIONS],
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, str] = json.loads(answer.stdout)
    return found


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _steps_in(seconds: float) -> int:
    start = time.perf_counter()
    _busy(CALIBRATION_STEPS)
    return int(CALIBRATION_STEPS * seconds / (time.perf_counter() - start))


def _loops_at_once(count: int, steps: int) -> float:
    start = time.perf_counter()
    children = [_forked_loop(steps) for _ in range(count)]
    for child in children:
        os.waitpid(child, 0)
    return time.perf_counter() - start


def _forked_loop(steps: int) -> int:
    child = os.fork()
    if child == 0:
        _busy(steps)
        os._exit(0)
    return child


def _busy(steps: int) -> int:
    total = 0
    for step in range(steps):
        total += step
    return total
