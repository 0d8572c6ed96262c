"""Which files a build reads, imports and looks for, as the interpreter itself tells."""

from __future__ import annotations

import importlib.util
import os
import sys
import sysconfig
import tempfile
from typing import Any

#: Of the flags that `os.open` takes, those that make it more than reading.
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

_EVENTS = frozenset({"open", "os.listdir", "os.scandir"})

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
    """Notes every file that is opened for reading from now on, and every folder that is listed.

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
        """Files, and folders of the project, in the order in which they were looked at first."""
        self._on = False
        sources = dict.fromkeys(map(_source, self._opened))
        return [path for path in sources if self._counts(path)]

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._on or event not in _EVENTS:
            return
        path, mode, flags = arguments if event == "open" else (arguments[0], None, 0)
        if event != "open" and sys._getframe(1).f_code.co_filename.startswith("<frozen importlib"):
            return  # whoever imports lists every folder on the way
        if isinstance(path, bytes):
            path = os.fsdecode(path)
        if isinstance(path, str) and not _writes(mode, flags):
            self._opened.setdefault(os.path.realpath(path))

    def _counts(self, path: str) -> bool:
        path = os.path.realpath(path)
        if os.path.isdir(path):
            ignored = os.path.join(path, "").startswith(self._ignored)
            return path.startswith(self._root) and not ignored
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
