"""Which files of a project other files import."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_concurrent.databases.closure import closure, imports

Write = Callable[..., None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    monkeypatch.syspath_prepend(tmp_path)

    def write(**sources: str) -> None:
        for name, source in sources.items():
            parts = [f"__{part}__" if part == "init" else part for part in name.split("_")]
            path = tmp_path.joinpath(*parts).with_suffix(".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source)

    return write


def found(root: Path, *files: str) -> list[str]:
    begin = [str(root / file) for file in files]
    return [str(Path(path).relative_to(root.resolve())) for path in closure(begin, str(root))]


def test_helper_of_a_helper_is_followed(tmp_path: Path, write: Write) -> None:
    write(a="import b", b="from c import x", c="x = 1", view="import a")
    assert found(tmp_path, "a.py") == ["a.py", "b.py", "c.py"]


@pytest.mark.parametrize(
    "source",
    [
        "from shop import names",
        "from shop.names import NAMES",
        "import shop.names as x, os",
        "def f():\n    from shop.names import NAMES",
        "try:\n    import json\nexcept ImportError: from shop import names",
        "if True: import shop.names",
        "x = 1; import shop.names",
        "from shop import (\n    a,  # (not) this\n    names,\n)",
        "from shop import \\\n    names",
        "from shop.names import *",
    ],
)
def test_every_way_to_import_counts(tmp_path: Path, write: Write, source: str) -> None:
    write(a=source, shop_names="NAMES = []")
    assert found(tmp_path, "a.py") == ["a.py", "shop/names.py"]


@pytest.mark.parametrize(
    "source", ["from . import names", "from .names import X", "from ..shop import names"]
)
def test_relative_imports_are_followed(tmp_path: Path, write: Write, source: str) -> None:
    write(shop_a=source, shop_names="X = 1", names="X = 2")
    assert found(tmp_path, "shop/a.py") == ["shop/a.py", "shop/names.py"]


def test_packages_on_the_way_are_executed_too(tmp_path: Path, write: Write) -> None:
    write(
        a="import shop.deep.names",
        shop_init="import extra",
        shop_deep_init="",
        shop_deep_names="",
        extra="",
    )
    files = ["a.py", "extra.py", "shop/__init__.py", "shop/deep/__init__.py", "shop/deep/names.py"]
    assert found(tmp_path, "a.py") == files


def test_what_others_wrote_is_left_out(tmp_path: Path, write: Write) -> None:
    write(a="import os, pytest, lib")
    lib = tmp_path / ".venv" / "site-packages" / "lib.py"
    lib.parent.mkdir(parents=True)
    lib.write_text("")
    assert found(tmp_path, "a.py", ".venv/site-packages/lib.py") == ["a.py"]


def test_file_that_cannot_be_parsed_still_counts(tmp_path: Path, write: Write) -> None:
    write(a="import broken", broken="def (:")
    assert found(tmp_path, "a.py") == ["a.py", "broken.py"]


def test_imports_in_a_circle_end(tmp_path: Path, write: Write) -> None:
    write(a="import b", b="import a")
    assert found(tmp_path, "b.py") == ["a.py", "b.py"]


def test_edited_file_is_read_again(tmp_path: Path, write: Write) -> None:
    write(a="import b", b="", longer="")
    assert found(tmp_path, "a.py") == ["a.py", "b.py"]
    write(a="import longer")
    assert found(tmp_path, "a.py") == ["a.py", "longer.py"]


def test_words_that_look_like_an_import_do_no_harm(tmp_path: Path, write: Write) -> None:
    write(a='"""\nimport of goods\nfrom b import x, they say\n"""\nimport c', c="")
    assert imports(str(tmp_path / "a.py")) == [(0, "c", ())]


def test_sources_beside_the_root_folder_are_the_projects_too(tmp_path: Path, write: Write) -> None:
    write(shop_init="", shop_a="from . import b\nimport c", shop_b="", c="")
    root = tmp_path / "tests"
    root.mkdir()
    paths = closure([str(tmp_path / "shop" / "a.py")], str(root))
    names = [str(Path(path).relative_to(tmp_path.resolve())) for path in paths]
    assert names == ["c.py", "shop/__init__.py", "shop/a.py", "shop/b.py"]
