"""Every option is in ``--help`` and in the reference, and nothing else is."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest

from pytest_concurrent.options import OPTIONS, Option, reference

from .sources import ROOT

PAGE = ROOT / "docs" / "reference" / "options.md"
every_option = pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.word)


def test_reference_is_made_from_the_table() -> None:
    again = "run `python -m pytest_concurrent.options > docs/reference/options.md`"
    assert PAGE.read_text(encoding="utf-8") == reference(), again


@every_option
def test_reference_names_every_spelling(option: Option[Any]) -> None:
    sections = PAGE.read_text(encoding="utf-8").split("\n## ")
    (section,) = (text for text in sections if f"`{option.ini}`" in text)
    spellings = (*option.off, *option.ini_keys, *option.environment)
    assert [name for name in spellings if f"`{name}`" not in section] == []
    assert [key for key in option.django if not re.search(rf"[`']{key}['`]", section)] == []
    assert [name for name in option.flags if not re.search(f"`{name}[ `]", section)] == []
    assert option.help in section
    assert option.kind.accepts in section or "a switch" in section


@pytest.fixture(scope="module")
def help_text() -> str:
    """What ``pytest --help`` prints, on one line."""
    command = [sys.executable, "-m", "pytest", "--help", "-p", "no:timeout"]
    run = subprocess.run(command, cwd=ROOT / "docs", capture_output=True, text=True, check=True)
    return " ".join(run.stdout.split())


@every_option
def test_help_shows_every_option(option: Option[Any], help_text: str) -> None:
    names = [*option.flags, *option.off, *option.ini_keys]
    assert [name for name in names if not re.search(rf"(?<![\w-]){name}(?![\w-])", help_text)] == []


def test_help_shows_nothing_else(help_text: str) -> None:
    shown = set(re.findall(r"--(?:no-)?concurrent[\w-]*", help_text)) - {"--concurrent-WORD"}
    ours = {name for option in OPTIONS for name in (*option.flags, *option.off)}
    assert shown == {name for name in ours if "concurrent" in name}
