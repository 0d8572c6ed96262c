"""What a JUnit file says of each test, for runs that are compared."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

#: The option that makes `cases` find something.
OPTION = "--junitxml=told.xml"

#: What no two runs have in common.
_VARYING = re.compile(r"0x[0-9a-f]{6,}|\d+(\.\d+)?( ?ms|s)\b|(localhost:|port=|fileno = )\d+")

Case = tuple[str, ...]


def cases(folder: Path) -> list[Case]:
    """The tests in order: class, name, and what was said of each, without the worker's name."""
    told = []
    for case in ElementTree.parse(folder / "told.xml").iter("testcase"):
        said = [_line(element) for element in case.iter() if not _is_of_ours(element)]
        told.append((str(case.get("classname")), str(case.get("name")), *said[1:]))
    return told


def outlines(folder: Path) -> list[Case]:
    """As `cases`, without texts: for failures that show what is different in each run."""
    return [(*case[:2], *(line.split()[0] for line in case[2:])) for case in cases(folder)]


def _is_of_ours(element: ElementTree.Element) -> bool:
    if element.tag == "properties":
        return all(_is_of_ours(one) for one in element)
    return element.tag == "property" and element.get("name") == "worker"


def _line(element: ElementTree.Element) -> str:
    attributes = {key: text for key, text in element.attrib.items() if key != "time"}
    return _VARYING.sub("-", f"{element.tag} {attributes} {(element.text or '').strip()}")
