"""Which files of the project some files import, and those in turn; nothing is executed.

What is imported already leaves no trace when a template is built, so the recorder would not see it.
"""

from __future__ import annotations

import ast
import os
import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

#: Folders that hold what others wrote, wherever they are.
_FOREIGN = frozenset({"site-packages", "dist-packages"})

#: Where the interpreter's own modules are; its version is an input.
_INTERPRETER = tuple(
    os.path.join(os.path.realpath(sysconfig.get_paths()[name]), "")
    for name in ("stdlib", "platstdlib")
)

#: An import begins here, be it in the middle of a line or in a text that only looks like one. Only
#: these pieces are parsed: 300 migrations parsed whole take over a second, these pieces a tenth.
_BEGIN = re.compile(r"(?:^|[;:])[ \t]*((?:from|import)[ \t]+[\w.(*])", re.MULTILINE)

#: A piece ends with its line, unless a bracket is open or a backslash says otherwise.
_LINE = re.compile(r"(?:[^\n\\#(]|\\\r?\n|\((?:[^)#]|#[^\n]*)*\))*")

#: How many files' imports are remembered: several times the largest project that we know of.
_REMEMBERED = 20_000

Import = tuple[int, str, tuple[str, ...]]  # level, module, names


def closure(files: Iterable[str], root: str) -> list[str]:
    """The files of a project that are executed when some files are imported.

    Args:
        files: Where to begin; they are in the result if they are the project's.
        root: The root folder. What is imported from beside or above it counts too.

    Returns:
        Absolute paths, sorted.
    """
    project = _Project(root)
    found: set[str] = set()
    waiting = [os.path.realpath(file) for file in files]
    while waiting:
        path = waiting.pop()
        if path not in found and project.owns(path):
            found.add(path)
            waiting.extend(project.imported_by(path))
    return sorted(found)


def is_foreign(path: str) -> bool:
    """Whether a real path belongs to what is installed or to the interpreter.

    A project is not where the root folder is: that may be below it, or beside its sources.
    """
    return f"{path}{os.sep}".startswith(_INTERPRETER) or not _FOREIGN.isdisjoint(path.split(os.sep))


def homes(root: str) -> list[str]:
    """The folders that a project imports its own modules from, the root folder among them.

    Args:
        root: The root folder.
    """
    paths = (os.path.realpath(path or ".") for path in (*sys.path, root))
    return [path for path in dict.fromkeys(paths) if not is_foreign(path)]


class _Project:
    def __init__(self, root: str) -> None:
        self._bases = homes(root)
        self._resolved: dict[str, tuple[str, ...]] = {}

    def owns(self, path: str) -> bool:
        return not is_foreign(path) and os.path.isfile(path)

    def imported_by(self, path: str) -> Iterator[str]:
        yield from _packages_around(path)
        for level, module, names in imports(path):
            if level:
                yield from _relative(path, level, module, names)
            else:
                yield from self._absolute(module)
                for name in names:
                    yield from self._absolute(f"{module}.{name}")

    def _absolute(self, module: str) -> tuple[str, ...]:
        """Files that importing a module by its full name executes, packages above it included."""
        if module not in self._resolved:
            parts = module.split(".")
            found: list[str] = []
            for base in self._homes(parts[0]):
                found = list(_along(base, parts))
                if found or os.path.isdir(os.path.join(base, parts[0])):
                    break
            self._resolved[module] = tuple(found)
        return self._resolved[module]

    def _homes(self, package: str) -> Sequence[str]:
        """Folders in which a top-level package may be; where it is, if it is imported."""
        loaded = getattr(sys.modules.get(package), "__path__", None)
        try:
            found = [os.path.dirname(os.path.realpath(path)) for path in loaded or ()]
        except Exception:  # somebody's own loader
            found = []
        return found or self._bases


def _packages_around(path: str) -> Iterator[str]:
    folder = os.path.dirname(path)
    while os.path.isfile(os.path.join(folder, "__init__.py")):
        yield os.path.join(folder, "__init__.py")
        folder = os.path.dirname(folder)


def _relative(path: str, level: int, module: str, names: Sequence[str]) -> Iterator[str]:
    folder = os.path.dirname(path)
    for _ in range(level - 1):
        folder = os.path.dirname(folder)
    parts = module.split(".") if module else []
    yield from _along(folder, parts)
    for name in names:
        yield from _along(folder, [*parts, name])


def _along(base: str, parts: Sequence[str]) -> Iterator[str]:
    """The files that are executed on the way to a module; it may be a name in the last of them."""
    folder = base
    for part in parts:
        folder = os.path.join(folder, part)
        package, module = os.path.join(folder, "__init__.py"), f"{folder}.py"
        if os.path.isfile(package):
            yield package
        elif os.path.isfile(module):
            yield module
            return


def imports(path: str) -> list[Import]:
    """What a file imports anywhere in it, conditionally or not; empty if it cannot be read."""
    try:
        state = os.stat(path)
        return _imports(path, state.st_mtime_ns, state.st_size)
    except OSError:
        return []


@lru_cache(maxsize=_REMEMBERED)
def _imports(path: str, modified: int, size: int) -> list[Import]:
    with open(path, encoding="utf-8", errors="replace") as file:
        source = file.read()
    found: dict[Import, None] = {}
    for begin in _BEGIN.finditer(source):
        piece = _LINE.match(source, begin.start(1))
        found.update(dict.fromkeys(_parsed(piece.group() if piece else "")))
    return list(found)


@lru_cache(maxsize=_REMEMBERED)
def _parsed(piece: str) -> list[Import]:
    try:
        tree = ast.parse(piece)
    except (SyntaxError, ValueError):
        return []  # words that only look like an import
    found: list[Import] = []
    for node in tree.body:
        if isinstance(node, ast.Import):
            found += [(0, alias.name, ()) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            found.append((node.level, node.module or "", names))
    return found
