"""What goes into a template, and the key that follows from it.

A template is found again by a digest of everything that it was made from, each input by name *and*
content, so that a renamed file counts as a change, and so that a miss can be explained.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pytest_concurrent.exceptions import ConfigurationException

#: Changes when a template made by an older version of ours may not be used by this one.
LAYOUT = "1"

#: Hexadecimal digits of a key: 160 bits.
_KEY_DIGITS = 40

#: Inputs that are named when a template cannot be used; the rest is counted.
_NAMED = 3

_SECOND = 1_000_000_000

#: Nanoseconds by which a file's time can be behind the clock: Linux takes it from the timer tick,
#: whose longest period is 10 ms.
_TICK = 10_000_000

#: The same for file systems that keep whole seconds; FAT keeps every other one.
_FAT = 2 * _SECOND


@dataclass
class Inputs:
    """Names of inputs with the digests of their content.

    Attributes:
        digests: Digest by name; the name says to people what the input is.
        files: Path by name, of those inputs that are files.
    """

    digests: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, value: object) -> None:
        """Take a value in by its `repr`, which must be the same in every process."""
        self.digests[name] = digest(repr(value).encode())

    def add_file(self, name: str, path: str | os.PathLike[str]) -> None:
        """Take a file in by its bytes; one that is not there counts as such."""
        self.digests[name] = digest_of_file(path)
        self.files[name] = os.fspath(path)

    def edited_since(self, began_ns: int) -> list[str]:
        """Names of the files that were written after a time.

        Args:
            began_ns: Wall clock, in nanoseconds.
        """
        return [name for name, path in self.files.items() if is_written_since(path, began_ns)]

    def key(self, more: Mapping[str, str] | None = None) -> str:
        """Digest of everything.

        Args:
            more: Further inputs, by name.
        """
        sha = hashlib.sha256(LAYOUT.encode())
        for name, value in sorted({**self.digests, **(more or {})}.items()):
            sha.update(f"{len(name.encode())}:{name}={value};".encode())
        return sha.hexdigest()[:_KEY_DIGITS]


def digest(content: bytes) -> str:
    """Digest of some bytes."""
    return hashlib.sha256(content).hexdigest()


def digest_of_file(path: str | os.PathLike[str]) -> str:
    """Digest of a file's bytes; ``missing`` or ``unreadable`` where there are none to read."""
    try:
        with open(path, "rb") as file:
            return digest(file.read())
    except FileNotFoundError:
        return "missing"
    except OSError:
        return "unreadable"


def is_written_since(path: str | os.PathLike[str], began_ns: int) -> bool:
    """Whether a file was written or moved to its place after a time; in case of doubt it was.

    Args:
        path: The file; one that is not there was not.
        began_ns: Wall clock, in nanoseconds.
    """
    try:
        state = os.stat(path)
    except OSError:
        return False
    # A file that is moved into place keeps the time of its content, but not that of its entry.
    stamps = (state.st_mtime_ns, state.st_ctime_ns)
    return any(stamp >= began_ns - (_TICK if stamp % _SECOND else _FAT) for stamp in stamps)


def matching_files(root: Path, patterns: Sequence[str], source: str) -> Iterator[Path]:
    """The files that globs match, compiled modules left out.

    Args:
        root: The folder that they are relative to.
        patterns: The globs.
        source: Who gave them, in words for people.

    Raises:
        ConfigurationException: One matches no file, or is none.
    """
    for pattern in patterns:
        try:
            found = sorted(root.glob(pattern))
        except (ValueError, NotImplementedError) as error:
            raise ConfigurationException(
                f"{pattern!r} ({source}) is not accepted: {error}; "
                "expected a glob relative to the root folder"
            ) from error
        files = [path for path in found if path.is_file() and path.suffix != ".pyc"]
        if not files:
            raise ConfigurationException(
                f"{pattern!r} ({source}) matches no file below {root}",
                hint="Correct the glob: a template whose inputs are not seen grows stale.",
            )
        yield from files


def digest_of_folder(path: str | os.PathLike[str]) -> str:
    """Digest of the names in a folder, without hidden and compiled ones."""
    try:
        names = sorted(os.listdir(path))
    except OSError:
        return "unreadable"
    shown = [name for name in names if not name.startswith((".", "__pycache__"))]
    return digest("\0".join(shown).encode(errors="surrogateescape"))


@dataclass(frozen=True)
class Places:
    """Folders that lie elsewhere on another machine: what is below them is named without them.

    Attributes:
        root: The project's folder.
    """

    root: str

    def name(self, path: str) -> str:
        """The name under which a file or folder is remembered."""
        for marker, folder in self._folders():
            if path.startswith(os.path.join(folder, "")):
                return marker + os.path.relpath(path, folder)
        return path

    def path(self, name: str) -> str:
        """Where a remembered file or folder is here."""
        for marker, folder in self._folders():
            if name.startswith(marker):
                return os.path.join(folder, name.removeprefix(marker))
        return name

    def digests(self, names: Iterable[str]) -> dict[str, str]:
        """Digests of remembered files and folders, by name."""
        paths = {name: self.path(name) for name in names}
        return {
            name: digest_of_folder(path) if os.path.isdir(path) else digest_of_file(path)
            for name, path in paths.items()
        }

    def _folders(self) -> tuple[tuple[str, str], ...]:
        environment = os.path.realpath(sys.prefix)
        return ("./", os.path.realpath(self.root)), ("<environment>/", environment)


def difference(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Which inputs changed, in words for people; empty if none did."""
    changed = [name for name in now if name in before and before[name] != now[name]]
    added = [f"{name} (new)" for name in now if name not in before]
    gone = [f"{name} (gone)" for name in before if name not in now]
    # A file that is an input and was opened as well stands under two names.
    named = [*dict.fromkeys(name.removeprefix("./") for name in (*changed, *added, *gone))]
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    return ", ".join(named[:_NAMED]) + more
