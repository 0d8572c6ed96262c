"""House rules that a reader would notice: names, sizes, who prints, what is unsafe."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .sources import files, project_files, text

LONGEST_FUNCTION = 60
LONGEST_FILE = 500
SAYS_NOTHING = {"base", "common", "helper", "helpers", "imp", "manager", "misc", "util", "utils"}
CODE = ("pytest_concurrent", "tests", "benchmarks", "examples", "conftest.py")
PRINTING_ROOMS = {"__main__.py", "reporting"}

PYTHON = list(files(*CODE, suffix=".py"))
RUST = list(files("rust", suffix=".rs"))

_RUST_FUNCTION = re.compile(
    r"(?P<indent> *)(?:pub(?:\([^)]*\))? )?"
    r"(?:(?:const|async|unsafe|extern \"C\") )*fn (?P<name>\w+)"
)
# Written in two halves, so that this file does not hold what it looks for.
_MACHINES = re.compile(
    r"(?<![\w.])/(?:home|Users|root|wo" + r"rk|farm)/[\w.-]+|[A-Z]:\\{1,2}Users\\{1,2}\w+"
)
_HOSTS = re.compile(
    r"https?://(?:(?:[\w-]+\.)*(?:pypi\.org|pythonhosted\.org|crates\.io|rust-"
    + r"lang\.org|rustup\.rs|golang\.org|debian\.org|ubuntu\.com)|(?!127\.0\.0\.1)\d+(?:\.\d+){3})"
)
_PINNED = 'source = "registry+https://github.com/rust-lang/crates.io-index"'

Function = tuple[int, int, str]  # first line, number of lines, name


def python_functions(source: str) -> Iterator[Function]:
    """Every function of a module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, (node.end_lineno or node.lineno) - node.lineno + 1, node.name


def rust_functions(source: str) -> Iterator[Function]:
    """Every function with a body; rustfmt puts the closing brace below the first word."""
    lines = source.splitlines()
    for number, line in enumerate(lines):
        found = _RUST_FUNCTION.match(line)
        if found and not line.rstrip().endswith((";", "}")):
            last, length = _end(lines[number + 1 :], found["indent"])
            if not last.endswith(";"):
                yield number + 1, length, found["name"]


def _end(rest: list[str], indent: str) -> tuple[str, int]:
    """The line that ends a function, or a declaration without a body, and how long both are."""
    for length, line in enumerate(rest, 2):
        if line == indent + "}" or (line.startswith(indent + ")") and line.endswith(";")):
            return line, length
    return "", len(rest) + 1


def without_inline_tests(source: str) -> str:
    """A Rust file without the unit tests that end it."""
    return re.split(r"^#\[cfg\(test\)\]\nmod \w+ \{$", source, flags=re.MULTILINE)[0]


def unsafe_lines(source: str) -> list[int]:
    """Numbers of the lines where Rust code, not a comment, says unsafe."""
    lines = enumerate(source.splitlines(), 1)
    return [number for number, line in lines if re.search(r"\bunsafe\b", line.partition("//")[0])]


def prints(source: str) -> list[int]:
    """Numbers of the lines that call `print`."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
    ]


def _too_long(path: Path, functions: Callable[[str], Iterator[Function]]) -> list[str]:
    return [
        f"{path}:{line}: {name} has {length} lines"
        for line, length, name in functions(text(path))
        if length > LONGEST_FUNCTION
    ]


def test_every_file_name_says_something() -> None:
    assert [str(p) for p in (*PYTHON, *RUST) if SAYS_NOTHING & {p.stem, *p.parts}] == []


def test_no_python_function_is_long() -> None:
    assert [line for path in PYTHON for line in _too_long(path, python_functions)] == []


def test_no_rust_function_is_long() -> None:
    assert [line for path in RUST for line in _too_long(path, rust_functions)] == []


def test_no_file_is_long() -> None:
    lengths = {
        path: len(without_inline_tests(text(path)).splitlines()) for path in (*PYTHON, *RUST)
    }
    assert {str(path): n for path, n in lengths.items() if n > LONGEST_FILE} == {}


def test_only_reporting_prints() -> None:
    talking = {
        f"{path}:{line}"
        for path in files("pytest_concurrent", suffix=".py")
        if path.parts[1] not in PRINTING_ROOMS
        for line in prints(text(path))
    }
    assert talking == set()


def test_only_host_is_unsafe() -> None:
    elsewhere = (path for path in RUST if path.parts[1] != "host")
    assert [f"{path}:{n}" for path in elsewhere for n in unsafe_lines(text(path))] == []


def test_no_file_names_a_machine() -> None:
    found = {str(path): _MACHINES.findall(text(path)) for path in project_files()}
    assert {path: names for path, names in found.items() if names} == {}


def test_no_file_names_a_download_host() -> None:
    others = (path for path in project_files() if path.name != "Cargo.lock")
    found = {str(path): _HOSTS.findall(text(path)) for path in others}
    assert {path: hosts for path, hosts in found.items() if hosts} == {}


def test_locked_crates_come_from_the_index() -> None:
    sources = {line for line in text(Path("Cargo.lock")).splitlines() if line.startswith("source")}
    assert sources == {_PINNED}


RUST_SAMPLE = """\
impl Run {
    pub(crate) const fn short(&self) -> u8 {
        1
    }

    fn declared(&self);
    fn declared_at_length(
        &self,
    ) -> u8;
    fn one_line(&self) {}

    fn long(
        &self,
    ) -> u8
    where
        Self: Sized,
    {
        2 // unsafe is only a word here
    }
}
"""


def test_rust_functions_are_measured() -> None:
    assert list(rust_functions(RUST_SAMPLE)) == [(2, 3, "short"), (12, 8, "long")]


def test_python_functions_are_measured() -> None:
    source = "class A:\n    async def f(\n        self,\n    ):\n        return 1\n"
    assert list(python_functions(source)) == [(2, 4, "f")]


def test_inline_tests_do_not_count() -> None:
    assert without_inline_tests("fn f() {}\n#[cfg(test)]\nmod tests {\n}\n") == "fn f() {}\n"


def test_unsafe_code_is_found() -> None:
    assert unsafe_lines(RUST_SAMPLE) == []
    assert unsafe_lines("#![forbid(unsafe_code)]\nlet x = unsafe { y() };\n") == [2]


def test_prints_are_found() -> None:
    assert prints("import sys\nprint('x')\nsys.stdout.write('print(1)')\n") == [2]


@pytest.mark.parametrize(
    "place", ["/ro" + "ot/x", "see /ho" + "me/ada/src", "C:" + "\\Users\\ada", "/Us" + "ers/ada"]
)
def test_machine_is_recognised(place: str) -> None:
    assert _MACHINES.search(place)


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("https" + "://static.crates.io/x", True),
        ("http" + "://10.1.2.3:80/simple", True),
        ("http://127.0.0.1:5432", False),
        ("https://docs.pytest.org", False),
    ],
)
def test_download_host_is_recognised(address: str, found: bool) -> None:
    assert bool(_HOSTS.search(address)) is found
