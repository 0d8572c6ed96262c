"""Which files a build reads, imports and looks for in vain, as the interpreter itself tells."""

from __future__ import annotations

import importlib.util
import os
import sys
import sysconfig
import tempfile
from typing import Any

from pytest_concurrent.databases.closure import homes, is_foreign

#: Of the flags that `os.open` takes, those that make it more than reading.
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

_LISTS = frozenset({"os.listdir", "os.scandir"})
_EVENTS = _LISTS | {"open", "os.rename"}

#: Folders whose files are no inputs: devices, what this run writes, and the interpreter itself,
#: whose version is an input of its own.
_FOREIGN = (
    "/dev/",
    "/proc/",
    "/sys/",
    os.path.join(tempfile.gettempdir(), ""),
    os.path.join(sysconfig.get_paths()["stdlib"], ""),
)


#: What is looked for beside a file as a matter of course: SQLite's own, and compiled modules.
_BESIDE = ("-journal", "-wal", "-shm", ".pyc")


class Recorder:
    """Notes every file that is opened for reading from now on, and every folder that is listed.

    What the build writes itself is no input of it, and is left out.

    An audit hook cannot be taken away again: to be used in a process that ends after the build.

    Args:
        root: The root folder, whose files count wherever it lies, as do those of the folders that
            modules of the project are imported from.
        ignored: Folders whose files are not noted.
    """

    def __init__(self, root: str, *ignored: str) -> None:
        self._begin = homes(root)
        self._root = os.path.realpath(root)
        self._ignored = tuple(os.path.join(os.path.realpath(folder), "") for folder in ignored)
        self._opened: dict[str, None] = {}
        self._written: set[str] = set()
        self._on = True
        sys.addaudithook(self._heard)

    def stop(self) -> list[str]:
        """Files, and folders of the project, in the order in which they were looked at first."""
        self._on = False
        sources = dict.fromkeys(map(_source, self._opened))
        above = os.path.join(os.path.realpath(tempfile.gettempdir()), "")
        # Whoever imports from the folder of all temporary files has not made it a project.
        own = tuple(
            folder
            for path in dict.fromkeys((*self._begin, *homes(self._root)))
            if not above.startswith(folder := os.path.join(path, "")) or path == self._root
        )
        return [path for path in sources if path not in self._written and self._counts(path, own)]

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._on or event not in _EVENTS:
            return
        if event in _LISTS:
            if sys._getframe(1).f_code.co_filename.startswith("<frozen importlib"):
                return  # whoever imports lists every folder on the way
            self._note("." if arguments[0] is None else arguments[0])
        elif event == "os.rename":
            self._note(arguments[1], writes=True)
        else:
            path, mode, flags = arguments
            self._note(path, writes=_writes(mode, flags))

    def _note(self, path: object, *, writes: bool = False) -> None:
        if isinstance(path, (bytes, os.PathLike)):
            path = os.fsdecode(path)
        if not isinstance(path, str):
            return  # a descriptor: its path was noted when it was opened
        if writes:
            self._written.add(os.path.realpath(path))
        else:
            self._opened.setdefault(os.path.realpath(path))

    def _counts(self, path: str, own: tuple[str, ...]) -> bool:
        path = os.path.realpath(path)
        if os.path.join(path, "").startswith(self._ignored):
            return False
        foreign = is_foreign(path)
        inside = path.startswith(own) or f"{path}{os.sep}" in own
        if os.path.isdir(path):
            if path == self._root:
                return False  # at the top of a project reports and notes come and go
            return not foreign and (inside or not path.startswith(_FOREIGN))
        if not os.path.lexists(path):
            return inside and not foreign and not path.endswith(_BESIDE)
        if not os.path.isfile(path):
            return False
        return inside or f"{os.sep}site-packages{os.sep}" in path or not path.startswith(_FOREIGN)


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
