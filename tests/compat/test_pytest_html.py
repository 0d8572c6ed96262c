"""pytest-html writes one page in the controller, in the order of collection."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

from .modes import Compare

SUITE = """
import pytest

@pytest.mark.parametrize("number", range(10))
def test_number(number, extras):
    extras.append({"name": "Note", "format_type": "text", "content": f"note {number}",
                   "extension": "txt", "mime_type": "text/plain"})
    print("said", number)
    assert number != 7

@pytest.mark.skip(reason="not now")
def test_skipped(): pass

@pytest.mark.xfail
def test_expected(): assert 0

@pytest.fixture
def broken(): raise OSError("no set-up")

def test_error(broken): pass
"""

#: What no two runs have in common.
_TIMES = re.compile(r"\d+ ms|\d\d:\d\d:\d\d")


def page(folder: Path) -> tuple[list[Any], list[str]]:
    """The rows of the page, in order, without times; and the files that it links to."""
    text = (folder / "page.html").read_text()
    blob = re.search(r'data-jsonblob="(.*?)"', text, re.DOTALL)
    assert blob is not None
    tests = json.loads(html.unescape(blob[1]))["tests"]
    rows = [json.loads(_TIMES.sub("-", json.dumps(entry))) for entry in tests.items()]
    return rows, sorted(path.read_text() for path in (folder / "assets").glob("*.txt"))


@pytest.mark.parametrize("option", ["--self-contained-html", "--css=own.css"])
def test_page_is_that_of_a_sequential_run(
    pytester: pytest.Pytester, compare: Compare, option: str
) -> None:
    pytester.makepyfile(test_rows=SUITE)
    (pytester.path / "own.css").write_text("td { color: teal }")
    plugins = ["metadata", "html", "html_fixtures"]
    told = compare("--html=page.html", option, plugins=plugins, read=page)
    rows, linked = told["forked"].read
    assert len(rows) == 13
    assert ("said 3" in json.dumps(rows), len(linked)) == (True, 10 * (option == "--css=own.css"))
