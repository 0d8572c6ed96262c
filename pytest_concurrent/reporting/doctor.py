"""What the doctor found, as people read it: chapters of findings, each with its reason."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

import pytest

#: The longest name that still stands beside its text.
_NAME_WIDTH = 22

#: Text is never squeezed narrower than this, however narrow the terminal.
_TEXT_WIDTH = 30


class Grade(Enum):
    """How much a finding matters."""

    FACT = " "
    FINE = "✓"
    NOTE = "!"
    REFUSED = "✗"


_MARKUP: dict[Grade, dict[str, bool]] = {
    Grade.FACT: {},
    Grade.FINE: {"green": True},
    Grade.NOTE: {"yellow": True, "bold": True},
    Grade.REFUSED: {"red": True, "bold": True},
}

#: What stands for the marks where the terminal cannot write them.
_PLAIN = {Grade.FACT: " ", Grade.FINE: "+", Grade.NOTE: "!", Grade.REFUSED: "x"}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: What it is.
        text: What was found, or how it is treated, and why.
        grade: How much it matters; a `REFUSED` one makes the run refuse or fall back.
    """

    name: str
    text: str
    grade: Grade = Grade.FACT


@dataclass(frozen=True)
class Chapter:
    """Findings of one kind."""

    title: str
    findings: Sequence[Finding] = field(default_factory=list)


def show(config: pytest.Config, chapters: Sequence[Chapter]) -> None:
    """Write the chapters to the terminal, as wide as it is."""
    writer = config.get_terminal_writer()
    if writer.width_of_current_line:
        writer.line()
    marks = _marks(getattr(writer._file, "encoding", None) or "ascii")
    for chapter in chapters:
        writer.line()
        writer.line(chapter.title, bold=True)
        for finding in chapter.findings:
            first, *rest = layout(finding, writer.fullwidth)
            writer.write(f"  {marks[finding.grade]} ", **_MARKUP[finding.grade])
            writer.line(first)
            for line in rest:
                writer.line(line)


def layout(finding: Finding, width: int) -> list[str]:
    """The lines of a finding after its mark: its name, and its text in a column beside it."""
    indent = " " * (4 + _NAME_WIDTH + 2)
    room = max(_TEXT_WIDTH, width - 1 - len(indent))
    text = list(_wrapped(finding.text, room))
    if len(finding.name) > _NAME_WIDTH:
        return [finding.name, *(indent + line for line in text)]
    first, *rest = text or [""]
    return [f"{finding.name:<{_NAME_WIDTH}}  {first}".rstrip(), *(indent + line for line in rest)]


def _wrapped(text: str, width: int) -> Iterator[str]:
    for paragraph in text.splitlines():
        # What people copy, a path or a command, is never broken.
        yield from textwrap.wrap(paragraph, width, break_long_words=False, break_on_hyphens=False)


def _marks(encoding: str) -> dict[Grade, str]:
    try:
        "".join(grade.value for grade in Grade).encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return _PLAIN
    return {grade: grade.value for grade in Grade}
