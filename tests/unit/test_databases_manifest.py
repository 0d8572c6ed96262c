"""A template is found again exactly when nothing that it was made from has changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_concurrent.databases.inputs import Inputs, Places, difference
from pytest_concurrent.databases.manifest import Build, Manifests


def inputs(**values: str) -> Inputs:
    made = Inputs()
    for name, value in values.items():
        made.add(name, value)
    return made


def built(of: Inputs, *files: Path) -> Build:
    root = Places(str(files[0].parent) if files else "/")
    recorded = root.digests(root.name(str(file)) for file in files)
    return Build(of.key(recorded), of.key(), dict(of.digests), recorded)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    file = tmp_path / "rows.json"
    file.write_text("[1]")
    return file


@pytest.fixture
def manifests(tmp_path: Path) -> Manifests:
    return Manifests(tmp_path / "manifests", "shop/default/sqlite", Places(str(tmp_path)))


def test_same_inputs_and_files_give_the_same_key(manifests: Manifests, data: Path) -> None:
    build = built(inputs(a="1"), data)
    manifests.remember(build)
    assert [key for key, _ in manifests.candidates(inputs(a="1"))] == [build.key]


def test_edited_recorded_file_gives_another_key(manifests: Manifests, data: Path) -> None:
    build = built(inputs(a="1"), data)
    manifests.remember(build)
    data.write_text("[2]")
    (key, _), *_ = manifests.candidates(inputs(a="1"))
    assert key != build.key
    assert manifests.explain(inputs(a="1")) == "rows.json"
    data.write_text("[1]")
    assert [key for key, _ in manifests.candidates(inputs(a="1"))] == [build.key]


def test_other_inputs_have_no_candidates(manifests: Manifests, data: Path) -> None:
    manifests.remember(built(inputs(a="1"), data))
    assert list(manifests.candidates(inputs(a="2"))) == []
    assert manifests.explain(inputs(a="2", b="3")) == "a, b (new)"


def test_sixteen_newest_builds_are_remembered(manifests: Manifests) -> None:
    for number in range(20):
        manifests.remember(built(inputs(a=str(number))))
    known = [n for n in range(20) if list(manifests.candidates(inputs(a=str(n))))]
    assert known == list(range(4, 20))


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"key": 1}]', '{"key": "a"}', "[[]]"])
def test_damaged_memory_counts_as_none(tmp_path: Path, text: str) -> None:
    manifests = Manifests(tmp_path, "shop", Places("/"))
    manifests.remember(built(inputs(a="1")))
    (file,) = tmp_path.iterdir()
    file.write_text(text)
    assert list(manifests.candidates(inputs(a="1"))) == []
    manifests.remember(built(inputs(a="1")))
    assert len(list(manifests.candidates(inputs(a="1")))) == 1


def test_memory_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    Manifests(tmp_path / "file", "shop", Places("/")).remember(built(inputs(a="1")))


def test_listed_folder_counts_by_the_names_in_it(manifests: Manifests, data: Path) -> None:
    manifests.remember(built(inputs(a="1"), data, data.parent / "sql"))
    folder = data.parent / "sql"
    folder.mkdir()
    build = built(inputs(a="1"), data, folder)
    manifests.remember(build)
    (folder / ".hidden").touch()
    (folder / "__pycache__").mkdir()
    assert next(manifests.candidates(inputs(a="1")))[0] == build.key
    (folder / "0002.sql").touch()
    assert build.key not in [key for key, _ in manifests.candidates(inputs(a="1"))]


def test_moved_project_finds_what_it_recorded(tmp_path: Path, data: Path) -> None:
    build = built(inputs(a="1"), data)
    Manifests(tmp_path / "manifests", "shop", Places(str(tmp_path))).remember(build)
    moved = tmp_path / "moved"
    moved.mkdir()
    data.rename(moved / data.name)
    there = Manifests(tmp_path / "manifests", "shop", Places(str(moved)))
    assert [key for key, _ in there.candidates(inputs(a="1"))] == [build.key]


def test_file_elsewhere_is_remembered_by_its_whole_path(tmp_path: Path) -> None:
    places = Places(str(tmp_path / "project"))
    assert places.name("/etc/hosts") == places.path("/etc/hosts") == "/etc/hosts"


def test_difference_names_three_and_counts_the_rest() -> None:
    before = {"a": "1", "b": "1", "c": "1", "gone": "1"}
    now = {"a": "2", "b": "2", "c": "1", "new": "1"}
    assert difference(before, now) == "a, b, new (new) and 1 more"
    assert difference(before, before) == ""


def test_file_that_was_also_opened_is_named_once() -> None:
    before, now = (
        {"a.sql": "1", "./a.sql": "1", "./b": "1"},
        {"a.sql": "2", "./a.sql": "2", "./b": "2"},
    )
    assert difference(before, now) == "a.sql, b"


_NAMES = st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=5)


@given(one=_NAMES, other=_NAMES)
def test_keys_are_equal_only_for_equal_inputs(one: dict[str, str], other: dict[str, str]) -> None:
    assert (Inputs(one).key() == Inputs(other).key()) == (one == other)
