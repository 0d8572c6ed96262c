"""Memory of a whole process tree: proportional set sizes, summed, at their peak."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")


def tree_pss(root: int) -> int:
    """Sum the proportional set sizes, in bytes, of all descendants of process `root`.

    A page that n processes share counts 1/n in each, so the sum is what the tree really holds.
    """
    return sum(pss(process) for process in descendants(root))


def pss(process: int) -> int:
    """Read one process's proportional set size in bytes; 0 when it is gone or not ours to read."""
    try:
        rollup = (PROC / str(process) / "smaps_rollup").read_text()
    except OSError:
        return 0
    for line in rollup.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def descendants(root: int) -> list[int]:
    """List the children of `root`, theirs, and so on, as far as they are alive now."""
    children: dict[int, list[int]] = {}
    for process, parent in _parents():
        children.setdefault(parent, []).append(process)
    found: list[int] = []
    waiting = [root]
    while waiting:
        born = children.get(waiting.pop(), [])
        found += born
        waiting += born
    return found


def _parents() -> Iterator[tuple[int, int]]:
    for name in os.listdir(PROC):
        if name.isdigit():
            try:
                status = (PROC / name / "stat").read_text()
            except OSError:
                continue
            # the command name before the last ")" may itself hold spaces and brackets
            yield int(name), int(status.rpartition(")")[2].split()[1])
