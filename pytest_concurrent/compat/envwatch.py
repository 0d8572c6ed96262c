"""Who reads pytest-xdist's variables before the workers exist.

Suites that ran under pytest-xdist make names of ports, databases and folders from them, often when
a module is imported. Under xdist each worker imports for itself; here the controller imports once
for all, so all workers would share what xdist keeps apart.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from types import FrameType
from typing import Any

#: What the watched variables begin with.
PREFIX = "PYTEST_XDIST_"

#: Where a look-up passes through on its way from whoever asked.
_PASSAGES = frozenset({"os", "_collections_abc", "collections.abc", __name__})

#: Packages that read the variables early and still do the right thing in a forked worker.
_KNOWN = frozenset(
    {
        "_pytest",
        "allure_pytest",
        "coverage",
        "hypothesis",
        "pytest",
        "pytest_asyncio",
        "pytest_benchmark",
        "pytest_concurrent",
        "pytest_cov",
        "pytest_django",
        "pytest_html",
        "pytest_mock",
        "pytest_randomly",
        "pytest_rerunfailures",
        "pytest_split",
        "pytest_sugar",
        "pytest_timeout",
        "syrupy",
        "xdist",
    }
)


@dataclass(frozen=True)
class Reading:
    """One place that asked for a variable.

    Attributes:
        variable: Its name.
        file: The source file.
        line: The line in it.
    """

    variable: str
    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line} reads {self.variable}"


_readings: dict[Reading, None] = {}
_original: Any = None


def watch() -> None:
    """Notice readings through `os.environ` from now on. Calling it again changes nothing."""
    global _original  # noqa: PLW0603 - the environment watched is global too
    if _original is not None:
        return
    _readings.clear()
    environment: Any = os._Environ
    original = _original = environment.__getitem__

    def getitem(self: Any, key: Any) -> Any:
        if isinstance(key, str) and key.startswith(PREFIX):
            _note(key, sys._getframe(1))
        return original(self, key)

    environment.__getitem__ = getitem


def unwatch() -> None:
    """Put `os.environ` back; what was noticed stays known."""
    global _original  # noqa: PLW0603
    if _original is not None:
        environment: Any = os._Environ
        environment.__getitem__ = _original
        _original = None


def readings() -> list[Reading]:
    """What was noticed since `watch`, each place once, in order."""
    return list(_readings)


def _note(variable: str, frame: FrameType | None) -> None:
    while frame is not None and frame.f_globals.get("__name__") in _PASSAGES:
        frame = frame.f_back
    if frame is None:
        return
    if variable == "PYTEST_XDIST_AUTO_NUM_WORKERS":
        return  # of the whole run, not of a worker
    module = str(frame.f_globals.get("__name__"))
    if module.partition(".")[0] not in _KNOWN:
        _readings[Reading(variable, frame.f_code.co_filename, frame.f_lineno)] = None
