"""What the docs say about names and files is true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_concurrent import hookspecs
from pytest_concurrent.options import OPTIONS

from .sources import ROOT, project_files, text

# What users read; pages beside the code may name what is to come.
PAGES = [
    path
    for path in project_files()
    if path.suffix == ".md" and (len(path.parts) == 1 or path.parts[0] in {"docs", "examples"})
]
# pytest-xdist's and pytest's own, which the pages compare ours with.
OTHERS = {
    "--junitxml",
    "--durations",
    "--dist",
    "--max-worker-restart",
    "--help",
    "--parallel",
    "--pdb",
}

_LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)")
_LONG_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
_MAKE = re.compile(r"(?:^|`)make ([a-z]+)", re.MULTILINE)
_COMMAND = re.compile(r"^(?:\$ )?((?:pytest|python -m pytest) .*)", re.MULTILINE)
_TABLE_FIELD = re.compile(r"^\| (`[^|]*)", re.MULTILINE)
_WORD = re.compile(r"`([a-z_]+)`")


def known_options() -> set[str]:
    """Every name of ours on the command line."""
    return {name for option in OPTIONS for name in (*option.flags, *option.off)}


def commands(page: str) -> Iterator[str]:
    """The pytest commands in a page's examples."""
    for block in re.findall(r"^```\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        yield from _COMMAND.findall(block)


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_links_lead_somewhere(path: Path) -> None:
    targets = _LINK.findall(text(path))
    assert [t for t in targets if not (ROOT / path.parent / t).exists()] == []


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_options_in_examples_exist(path: Path) -> None:
    used = {name for line in commands(text(path)) for name in _LONG_OPTION.findall(line)}
    assert used <= known_options() | OTHERS


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_long_options_in_prose_exist(path: Path) -> None:
    ours = re.findall(r"--concurrent-[a-z-]+", text(path))
    assert set(ours) <= known_options()


@pytest.mark.parametrize("path", [*PAGES, Path(".ci/run")], ids=str)
def test_make_has_every_named_target(path: Path) -> None:
    targets = re.findall(r"^([a-z]+):", text(Path("Makefile")), re.MULTILINE)
    assert set(_MAKE.findall(text(path))) <= set(targets)


def test_readme_names_what_ci_calls() -> None:
    readme = set(_MAKE.findall(text(Path("README.md"))))
    called = re.findall(r"for target in ([a-z ]+);", text(Path(".ci/run")))
    assert "test" in called[0].split()
    assert {"demo", "test"} <= readme


def test_commands_are_found_in_examples() -> None:
    page = "```\npytest --concurrent\n```\npytest --prose\n"
    assert list(commands(page)) == ["pytest --concurrent"]


def test_commands_are_found_before_their_output() -> None:
    page = "```\n$ pytest --concurrent -x\n1 passed\n```\n"
    assert list(commands(page)) == ["pytest --concurrent -x"]


def event_fields() -> dict[str, set[str]]:
    """What `rust/report/src/record.rs` writes: for each event the names of its own fields."""
    source = re.sub(r"^\s*//.*\n", "", text(Path("rust/report/src/record.rs")), flags=re.MULTILINE)
    variants = re.search(r"^pub enum What \{\n(.*?)^\}", source, re.MULTILINE | re.DOTALL)
    assert variants is not None
    events = {}
    for name, fields in re.findall(r"^    (\w+)(?: \{(.*?)^    \}|\()", variants[1], re.M | re.S):
        struct = re.search(rf"^pub struct {name} \{{\n(.*?)^\}}", source, re.M | re.S)
        own = set(re.findall(r"^ +(?:pub )?(\w+): ", struct[1] if struct else fields, re.M))
        if "timing" in own:
            own = own - {"timing"} | {"start", "setup", "call", "teardown", "shared"}
        events[re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()] = own
    return events


def documented_events() -> dict[str, str]:
    """The sections of the page about events, by the name of the event."""
    sections = text(Path("docs/reference/events.md")).split("\n## ")[1:]
    return {section.partition("\n")[0].strip("`"): section for section in sections}


def test_page_names_every_event() -> None:
    assert set(documented_events()) == set(event_fields())


@pytest.mark.parametrize("event", event_fields())
def test_page_names_every_field(event: str) -> None:
    assert event_fields()[event] <= set(_WORD.findall(documented_events()[event]))


@pytest.mark.parametrize("event", event_fields())
def test_page_invents_no_field(event: str) -> None:
    cells = _TABLE_FIELD.findall(documented_events()[event])
    assert {name for cell in cells for name in _WORD.findall(cell)} <= event_fields()[event]


def test_page_names_every_hook_offered() -> None:
    page = text(Path("docs/concepts/hooks.md"))
    offered = [name for name in vars(hookspecs) if name.startswith("pytest_concurrent_")]
    assert [name for name in offered if f"`{name}(" not in page] == []
