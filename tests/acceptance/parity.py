"""What a run told, in a form in which two runs can be compared."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from xml.etree import ElementTree

import pytest

#: Where pytest begins to tell what happened: the first separator with a title after the collection,
#: or with -q the last line.
_HEADED = re.compile(r"(=+ [^=].* =+|(\d+ \w+, )*\d+ \w+ in [\d.]+s.*|no tests ran in .*)")
_COLOUR = re.compile(r"\x1b\[[\d;]*m")
_VARYING = (
    # What times and folders of runs look like, and what stands for them.
    (re.compile(r"\d+\.\d+s( \(\d+:\d\d:\d\d\))?"), "<time>"),
    (re.compile(r"runpytest-\d+"), "<base>"),
    (re.compile(r"(<base>/)popen-gw\d+/"), r"\1"),
    (re.compile(r"0x[0-9a-f]{6,}"), "<address>"),
    (re.compile(r"oldfd=\d+"), "oldfd=<descriptor>"),
    (re.compile(r"=+( .*<time>.*) =+"), r"=\1 ="),
    (re.compile(r"<base>/\S* ?=+"), "<path> ="),
)
_VARYING_ATTRIBUTES = {"time", "timestamp", "hostname"}


@dataclass(frozen=True)
class Told:
    """What a run told.

    Attributes:
        code: Exit code.
        ending: The terminal's lines after the progress.
        junit: The JUnit file, an entry for each element in order.
        text: Everything on the terminal.
    """

    code: int
    ending: list[str]
    junit: list[tuple[str, ...]]
    text: str = field(compare=False, repr=False)


class Compare(Protocol):
    """Runs the suite and asserts that all runs told the same."""

    def __call__(self, *args: str, workers: Sequence[int] = (2,), junit: bool = True) -> Told:
        """Returns what they told."""


def on_workers(number: int, start: str = "") -> tuple[str, ...]:
    """The arguments of a run on workers."""
    how = [f"--concurrent-start={start}"] if start else []
    return "--concurrent", f"--workers={number}", *how


def told(pytester: pytest.Pytester, name: str, *args: str, junit: bool = True) -> Told:
    """Run the suite and read what it told.

    Args:
        pytester: The suite's folder.
        name: Of the run, for its cache.
        args: For pytest.
        junit: Whether to ask for a JUnit file.
    """
    file = pytester.path / "told.xml"
    more = [f"--junitxml={file}"] if junit else []
    result = pytester.runpytest_subprocess("--color=yes", "-o", f"cache_dir={name}", *more, *args)
    text = result.stdout.str()
    return Told(int(result.ret), ending_of(text), entries(file) if junit else [], text)


def differences(wanted: Told, found: Told) -> list[str]:
    """What differs, as lines of a diff; the exit codes are its first line if they differ."""
    codes = [f"exit code {found.code}, not {wanted.code}"] if found.code != wanted.code else []
    terminal = difflib.unified_diff(wanted.ending, found.ending, "sequential", "workers", n=1)
    first, second = ([" ".join(entry) for entry in told.junit] for told in (wanted, found))
    junit = difflib.unified_diff(first, second, "sequential.xml", "workers.xml", n=1)
    return [*codes, *terminal, *junit]


def ending_of(text: str) -> list[str]:
    """The lines after the progress, without what differs between any two runs."""
    lines = text.splitlines()
    bare = [_COLOUR.sub("", line) for line in lines]
    begin = next((n for n, line in enumerate(bare) if "test session starts" in line), -1) + 1
    found = (n for n in range(begin, len(lines)) if _HEADED.fullmatch(bare[n]))
    return [normalised(line) for line in lines[next(found, len(lines)) :]]


def whole(told: Told) -> list[str]:
    """Everything on the terminal but our own lines, without what differs between any two runs."""
    lines = (normalised(line) for line in told.text.splitlines())
    return [line for line in lines if not line.startswith(("concurrent: ", "  gw", "cachedir: "))]


def normalised(line: str) -> str:
    """A line without times and folders of runs."""
    for pattern, replacement in _VARYING:
        line = pattern.sub(replacement, line)
    return line


def entries(file: Path) -> list[tuple[str, ...]]:
    """The elements of a JUnit file in order, without times and without the worker's name."""
    found = []
    for element in ElementTree.parse(file).iter():
        if element.tag == "property" and element.get("name") == "worker":
            continue
        if element.tag == "properties" and _names_worker_only(element):
            continue
        known = {k: v for k, v in element.attrib.items() if k not in _VARYING_ATTRIBUTES}
        text = (element.text or "").strip()
        attributes = [f"{key}={normalised(value)}" for key, value in known.items()]
        found.append((element.tag, *attributes, *map(normalised, text.splitlines())))
    return found


def _names_worker_only(properties: ElementTree.Element) -> bool:
    return [one.get("name") for one in properties] == ["worker"]
