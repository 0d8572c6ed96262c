"""Which files a build reads: what migrations open and import, as the interpreter itself tells."""

from __future__ import annotations

import importlib.util
import os
import sys
import sysconfig
import tempfile
from typing import Any

#: Of the flags that `os.open` takes, those that make it more than reading.
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

#: Folders whose files are no inputs: devices, what this run writes, and the interpreter itself,
#: whose version is an input of its own.
_FOREIGN = (
    "/dev/",
    "/proc/",
    "/sys/",
    os.path.join(tempfile.gettempdir(), ""),
    os.path.join(sysconfig.get_paths()["stdlib"], ""),
)


class Recorder:
    """Notes every file that is opened for reading from now on, in this process.

    An audit hook cannot be taken away again: to be used in a process that ends after the build.

    Args:
        root: The project's folder, whose files count wherever it lies.
        ignored: Folders whose files are not noted.
    """

    def __init__(self, root: str, *ignored: str) -> None:
        self._root = os.path.join(os.path.realpath(root), "")
        self._ignored = tuple(os.path.join(os.path.realpath(folder), "") for folder in ignored)
        self._opened: dict[str, None] = {}
        self._on = True
        sys.addaudithook(self._heard)

    def stop(self) -> list[str]:
        """The files, in the order in which they were opened first."""
        self._on = False
        sources = dict.fromkeys(map(_source, self._opened))
        return [path for path in sources if self._counts(path)]

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._on or event != "open":
            return
        path, mode, flags = arguments
        if isinstance(path, bytes):
            path = os.fsdecode(path)
        if isinstance(path, str) and not _writes(mode, flags):
            self._opened.setdefault(os.path.abspath(path))

    def _counts(self, path: str) -> bool:
        path = os.path.realpath(path)
        if path.startswith(self._ignored) or not os.path.isfile(path):
            return False
        inside = path.startswith(self._root) or f"{os.sep}site-packages{os.sep}" in path
        return inside or not path.startswith(_FOREIGN)


def _writes(mode: object, flags: object) -> bool:
    if isinstance(mode, str):
        return any(letter in mode for letter in "wax+")
    return isinstance(flags, int) and bool(flags & _WRITES)


def _source(path: str) -> str:
    """The file that people edit: of a cached module, its source."""
    if not path.endswith(".pyc"):
        return path
    try:
        return importlib.util.source_from_cache(path)
    except ValueError:
        return path
