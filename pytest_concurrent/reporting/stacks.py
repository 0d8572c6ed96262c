"""Stacks of threads, as faulthandler and py-spy write them, without what says nothing."""

from __future__ import annotations

import os

#: Lines of a long text that are shown, its last.
_SHOWN_LINES = 200

#: Where a stack leaves what the test does and enters pytest's protocol, or our loop; what called
#: that says nothing.
_PROTOCOL = f"{os.sep}_pytest{os.sep}runner.py"
_OUR_LOOP = f"{os.sep}pytest_concurrent{os.sep}worker{os.sep}loop.py"


def readable(stacks: str) -> list[str]:
    """The lines of what `faulthandler` wrote, of each thread only what a test does."""
    return _end(_without_protocol(stacks.rstrip().splitlines()))


def native(stacks: str) -> list[str]:
    """The lines of what py-spy wrote; empty if it wrote nothing."""
    lines = stacks.rstrip().splitlines()
    return ["With native frames (py-spy):", *_end(lines)] if lines else []


def _end(lines: list[str]) -> list[str]:
    return lines if len(lines) <= _SHOWN_LINES else ["…", *lines[-_SHOWN_LINES:]]


def _without_protocol(lines: list[str]) -> list[str]:
    """Drop from each thread's stack what lies below the test."""
    kept, below = [], False
    for line in lines:
        if not line.startswith("  "):
            below = False
        elif _OUR_LOOP in line or _PROTOCOL in line:
            below = True
        if not below:
            kept.append(line)
    return kept
