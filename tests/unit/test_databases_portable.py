"""Templates as files: written whole, read only when they are what they say, never in the way."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_concurrent.databases.portable import PortableTemplates
from pytest_concurrent.exceptions import ResourceException

KEY = "a" * 40


class FileKeeper:
    """The keeper's two operations on files, for SQLite: templates are files of a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.full = False

    def request(self, operation: str, **fields: Any) -> dict[str, Any]:
        if self.full:
            raise ResourceException("no space left on the disk")
        if operation == "dump":
            shutil.copyfile(self.folder / fields["template"], fields["path"])
            return {}
        assert operation == "load"
        name = f"test_{fields['label']}_t_{len(list(self.folder.iterdir()))}"
        shutil.copyfile(fields["path"], self.folder / name)
        return {"template": name}


class SqliteRecipe:
    """As much of a recipe as files need."""

    alias, vendor, project = "default", "sqlite", "shop"


@pytest.fixture
def keeper(tmp_path: Path) -> FileKeeper:
    """A keeper with one template."""
    folder = tmp_path / "server"
    folder.mkdir()
    with sqlite3.connect(folder / "template") as connection:
        connection.execute("CREATE TABLE planets (name)")
        connection.execute("INSERT INTO planets VALUES ('Venus'), (x'00ff0a')")
    return FileKeeper(folder)


def portable(tmp_path: Path, keeper: FileKeeper, recipe: Any = SqliteRecipe) -> PortableTemplates:
    given_keeper: Any = keeper
    return PortableTemplates(tmp_path / "cache", recipe(), given_keeper)


def saved(tmp_path: Path, keeper: FileKeeper) -> Path:
    portable(tmp_path, keeper).save_template(1, "template", KEY)
    (path,) = (tmp_path / "cache").iterdir()
    return path


def test_file_brings_the_template_back(tmp_path: Path, keeper: FileKeeper) -> None:
    path = saved(tmp_path, keeper)
    assert path.name == f"{KEY}.sqlite.template"
    name = portable(tmp_path, keeper).load(1, KEY)
    assert name is not None
    assert (keeper.folder / name).read_bytes() == (keeper.folder / "template").read_bytes()
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_file_is_for_its_owner_alone(tmp_path: Path, keeper: FileKeeper) -> None:
    assert saved(tmp_path, keeper).stat().st_mode & 0o777 == 0o600


def test_no_file_is_no_template(tmp_path: Path, keeper: FileKeeper) -> None:
    absent = portable(tmp_path, keeper)
    assert absent.load(1, KEY) is None
    assert absent.remarks == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(where=st.floats(0, 1, exclude_max=True), change=st.integers(1, 255), cut=st.booleans())
def test_damaged_file_is_set_aside(
    tmp_path: Path, keeper: FileKeeper, where: float, change: int, cut: bool
) -> None:
    shutil.rmtree(tmp_path / "cache", ignore_errors=True)
    path = saved(tmp_path, keeper)
    content = bytearray(path.read_bytes())
    offset = int(where * len(content))
    content[offset] ^= change
    path.write_bytes(content[:offset] if cut else content)
    templates = sorted(keeper.folder.iterdir())
    reader = portable(tmp_path, keeper)
    if reader.load(1, KEY) is None:
        assert sorted(keeper.folder.iterdir()) == templates
        assert [one.name for one in path.parent.iterdir()] == [f"{path.name}.bad"]
        assert f"moved to {path.name}.bad" in reader.remarks[0]
    else:
        # Nothing but the project's name, by which old files are counted, may differ unnoticed.
        assert not cut
        assert len(content) - offset > (keeper.folder / "template").stat().st_size


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"[]\n",
        b"{}\n",
        b"\xff\n",
        b"[" * 100_000,
        b'{"tool": "pytest-concurrent", "v": 2}\n',
        b'{"tool": "pytest-concurrent", "v": 1}\n',
    ],
)
def test_foreign_first_line_is_damage(tmp_path: Path, keeper: FileKeeper, line: bytes) -> None:
    path = saved(tmp_path, keeper)
    path.write_bytes(line)
    reader = portable(tmp_path, keeper)
    assert reader.load(1, KEY) is None
    assert "is damaged" in reader.remarks[0]


def test_file_of_another_key_is_not_loaded(tmp_path: Path, keeper: FileKeeper) -> None:
    path = saved(tmp_path, keeper)
    path.rename(path.with_name(path.name.replace(KEY, "b" * 40)))
    reader = portable(tmp_path, keeper)
    assert reader.load(1, "b" * 40) is None
    assert "it is another template's" in reader.remarks[0]


def test_link_is_not_followed(tmp_path: Path, keeper: FileKeeper) -> None:
    path = saved(tmp_path, keeper)
    elsewhere = path.rename(tmp_path / "elsewhere")
    path.symlink_to(elsewhere)
    reader = portable(tmp_path, keeper)
    assert reader.load(1, KEY) is None
    assert f"{path} is not used" in reader.remarks[0]
    assert path.is_symlink()


def test_saving_replaces_a_link_and_not_its_aim(tmp_path: Path, keeper: FileKeeper) -> None:
    aim = tmp_path / "precious"
    aim.write_text("precious")
    path = saved(tmp_path, keeper)
    path.unlink()
    path.symlink_to(aim)
    saved(tmp_path, keeper)
    assert aim.read_text() == "precious"
    assert not path.is_symlink()


def test_full_disk_is_remarked_upon(tmp_path: Path, keeper: FileKeeper) -> None:
    keeper.full = True
    writer = portable(tmp_path, keeper)
    writer.save_template(1, "template", KEY)
    assert "not kept as a file: no space left on the disk" in writer.remarks[0]
    assert list((tmp_path / "cache").iterdir()) == []


def test_folder_that_is_a_file_is_remarked_upon(tmp_path: Path, keeper: FileKeeper) -> None:
    (tmp_path / "cache").write_text("")
    writer = portable(tmp_path, keeper)
    writer.save_template(1, "template", KEY)
    assert "is not kept as a file" in writer.remarks[0]


def test_files_used_last_are_kept(tmp_path: Path, keeper: FileKeeper) -> None:
    class Other(SqliteRecipe):
        alias = "ledger"

    portable(tmp_path, keeper, Other).save_template(1, "template", "0" * 40)
    (tmp_path / "cache" / "notes.template").write_text("somebody else's")
    writer = portable(tmp_path, keeper)
    for number in range(18):
        key = f"{number:02}".ljust(40, "f")
        writer.save_template(1, "template", key)
        path = tmp_path / "cache" / f"{key}.sqlite.template"
        os.utime(path, (1000 + number, 1000 + number))
    left = {int(path.name[:2]) for path in (tmp_path / "cache").glob("*f.sqlite.template")}
    assert left == set(range(2, 18))
    assert (tmp_path / "cache" / f"{'0' * 40}.sqlite.template").exists()
    assert (tmp_path / "cache" / "notes.template").exists()


def test_leftovers_of_killed_runs_are_cleared(tmp_path: Path, keeper: FileKeeper) -> None:
    old, new = (tmp_path / "cache" / f".pytest-concurrent-{name}" for name in ("old", "new"))
    for folder in (old, new):
        folder.mkdir(parents=True)
    os.utime(old, (1000, 1000))
    portable(tmp_path, keeper).save_template(1, "template", KEY)
    assert (old.exists(), new.exists()) == (False, True)


def test_first_line_says_what_the_file_is(tmp_path: Path, keeper: FileKeeper) -> None:
    line = json.loads(saved(tmp_path, keeper).read_bytes().partition(b"\n")[0])
    size = (keeper.folder / "template").stat().st_size
    assert (line["key"], line["vendor"], line["name"], line["size"]) == (
        KEY, "sqlite", "shop/default", size,
    )  # fmt: skip
