"""Who may import whom: the table of ARCHITECTURE.md, enforced."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from .sources import files, text

PACKAGE = "pytest_concurrent"
OUTER = {"_engine", "exceptions", "reporting"}

# A room is a module or folder directly below the package; it may import what stands here.
ROOMS: dict[str, set[str]] = {
    "__init__": {"exceptions", "security", "timing_utils"},
    "__main__": {*OUTER, "databases", "timing_utils"},
    "timing_utils": OUTER,
    "plugin": {
        "collisions",
        "compat",
        "controller",
        "databases",
        "django",
        "exceptions",
        "hookspecs",
        "marks",
        "options",
        "reporting",
        "settings",
        "worker",
    },
    "option": {"values"},
    "database_options": {"option", "values"},
    "worker_options": {"option", "values"},
    "options": {"collisions", "database_options", "option", "values", "worker_options"},
    "settings": {
        "database_options",
        "exceptions",
        "options",
        "security",
        "sources",
        "values",
        "worker_options",
    },
    "sources": {"options", "values"},
    "controller": {
        "_engine",
        "compat",
        "exceptions",
        "fork",
        "marks",
        "payload",
        "reporting",
        "security",
        "settings",
    },
    "worker": {"_engine", "compat", "exceptions", "fork", "payload"},
    "payload": set(),
    "reporting": {"_engine", "exceptions", "settings"},
    "maker": {"compat", "databases", "payload", "plugin", "worker"},
    "databases": {"_engine", "exceptions", "fork", "payload", "reporting", "settings"},
    "django": {"_engine", "databases", "exceptions", "settings"},
    "db": {"django", "exceptions"},
    "security": {"_engine", "databases", "django", "exceptions", "sources", "values"},
    "hookspecs": set(),
    "marks": {"values"},
    "compat": {"exceptions"},
    "collisions": set(),
    "fork": set(),
    "values": set(),
    "exceptions": set(),
    "_engine": set(),
}
# One file that may import one room more. The fork is where the controller's process becomes a
# worker's: what the child calls first must be at hand on this side of it, and nowhere else.
DOORS: dict[str, set[str]] = {"controller/forking.py": {"worker"}}
# Importing these costs something or needs something, so only functions do it.
LAZY = {"databases", "django"}
# Rooms that are themselves imported by functions only, or by whoever asks for what they hold.
LATE = {*LAZY, "db", "security"}

CRATES: dict[str, set[str]] = {
    "engine": set(),
    "report": {"engine"},
    "databases": {"engine"},
    "host": {"engine", "report"},
    "binding": {"engine", "host", "databases", "report"},
}

Import = tuple[int, str, bool]  # line, room, whether it happens when the module is imported


def imports(path: Path, source: str) -> Iterator[Import]:
    """Every import of a room of the package."""
    tree = ast.parse(source)
    inner = {id(n) for f in ast.walk(tree) if _runs_later(f) for n in ast.walk(f)}
    for node in ast.walk(tree):
        for module in _imported_modules(node, path):
            first, _, rest = module.partition(".")
            if first == PACKAGE:
                yield getattr(node, "lineno", 0), rest.partition(".")[0], id(node) not in inner


def room_of(path: Path) -> str:
    """The room that a file of the package stands in."""
    return path.parts[1].removesuffix(".py").removesuffix(".pyi")


def violations(path: Path, source: str) -> list[str]:
    """What a file imports and should not, each as ``file:line: what``."""
    room = room_of(path)
    if room not in ROOMS:
        return [f"{path}:1: {room} is a new room; say in ROOMS what it may import"]
    allowed = {room, *ROOMS[room], *DOORS.get(path.relative_to(PACKAGE).as_posix(), ())}
    return [
        f"{path}:{line}: {room} may not import {other or 'the package itself'}"
        if other not in allowed
        else f"{path}:{line}: {other} is imported inside functions only"
        for line, other, at_once in imports(path, source)
        if other not in allowed or (at_once and other in LAZY and room not in LATE)
    ]


def _runs_later(node: ast.AST) -> bool:
    """Whether what stands inside does not run when the module is imported, or never does."""
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)


def _imported_modules(node: ast.AST, path: Path) -> Iterable[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        module = _absolute(node, path)
        # `from package import name`: the name is the room.
        return [f"{module}.{a.name}" for a in node.names] if module == PACKAGE else [module]
    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
        return [a.value for a in node.args if isinstance(a, ast.Constant) and type(a.value) is str]
    return []


def _absolute(node: ast.ImportFrom, path: Path) -> str:
    folders = path.parts[: len(path.parts) - node.level] if node.level else ()
    return ".".join([*folders, *([node.module] if node.module else [])])


MODULES = list(files(PACKAGE, suffix=".py"))


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_module_imports_only_what_its_room_may(path: Path) -> None:
    assert violations(path, text(path)) == []


@pytest.mark.parametrize(
    ("file", "source", "expected"),
    [
        ("worker/loop.py", "from pytest_concurrent.controller import run", ["controller"]),
        ("worker/loop.py", "from ..controller import run", ["controller"]),
        ("worker/loop.py", "from .. import controller, compat", ["controller"]),
        ("worker/loop.py", "def f():\n    import pytest_concurrent.controller.run", ["controller"]),
        ("worker/loop.py", "importlib.import_module('pytest_concurrent.plugin')", ["plugin"]),
        ("worker/loop.py", "from . import frames\nfrom ..compat import xdist", []),
        ("reporting/terminal.py", "from pytest_concurrent import controller", ["controller"]),
        ("controller/forking.py", "from pytest_concurrent.worker import zygote", []),
        ("controller/run.py", "from pytest_concurrent.worker import zygote", ["worker"]),
        ("payload/reports.py", "from pytest_concurrent import exceptions", ["exceptions"]),
        ("plugin.py", "from pytest_concurrent import django", ["django"]),
        ("plugin.py", "def f():\n    from pytest_concurrent import django", []),
        ("plugin.py", "if TYPE_CHECKING:\n    from pytest_concurrent import django", []),
        ("plugin.py", "if sys.argv:\n    from pytest_concurrent import django", ["django"]),
        ("hookspecs.py", "import pytest", []),
        ("attic.py", "", ["attic"]),
    ],
)
def test_wrong_import_is_named(file: str, source: str, expected: list[str]) -> None:
    found = violations(Path(PACKAGE, file), source)
    assert len(found) == len(expected)
    assert all(name in line for name, line in zip(expected, found, strict=True))


def test_wrong_import_is_named_with_its_line() -> None:
    found = violations(Path(PACKAGE, "worker/loop.py"), "\n\nfrom ..controller import run\n")
    assert found == ["pytest_concurrent/worker/loop.py:3: worker may not import controller"]


@pytest.mark.parametrize("crate", CRATES)
def test_crate_depends_only_on_what_it_may(crate: str) -> None:
    manifest = text(Path("rust", crate, "Cargo.toml"))
    dependencies = re.findall(r"^pytest-concurrent-(\w+)\b", manifest, re.MULTILINE)
    assert set(dependencies) <= CRATES[crate]


def test_every_crate_has_its_arrows() -> None:
    manifests = files("rust", suffix=".toml")
    crates = {path.parts[1] for path in manifests if path.name == "Cargo.toml"}
    assert crates - {"fuzz"} == set(CRATES)
