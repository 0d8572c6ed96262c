"""A template is never found for what it was not made from, be it edited while a run goes on."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_concurrent.databases.inputs import Inputs, is_written_since
from pytest_concurrent.databases.preparation import FROM_FILE, Means, Preparation

#: Seconds after which a file must count as written before now: far more than a clock's tick.
PATIENCE = 10.0
FACTS = {"server": 1}


class MemoryKeeper:
    """A server whose templates are known by their keys."""

    def __init__(self) -> None:
        self.templates: dict[str, str] = {}
        self.abandoned: list[str] = []
        self.dumped: list[str] = []
        self._begun = 0

    def request(self, operation: str, **fields: Any) -> dict[str, Any]:
        if operation == "begin":
            self._begun += 1
            return {"name": f"build{self._begun}"}
        if operation == "find":
            return {"template": self.templates.get(fields["key"])}
        if operation == "publish":
            return {"template": self.templates.setdefault(fields["key"], fields["name"])}
        if operation == "abandon":
            self.abandoned.append(fields["name"])
        if operation == "dump":
            self.dumped.append(fields["template"])
            Path(fields["path"]).write_text(fields["template"])
        if operation == "load":
            name = Path(fields["path"]).read_text()
            return {"template": self.templates.setdefault(fields["key"], name)}
        return {"held": False}


class FileRecipe:
    """A database that is made from one file that is known beforehand, and others."""

    alias, vendor, project = "default", "mysql", "shop"
    creates_database = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.during: Callable[[], object] = lambda: None
        self.builds = 0

    def target(self) -> dict[str, Any]:
        return {}

    def inputs(self) -> Inputs:
        inputs = Inputs()
        inputs.add_file("setup.py", self._folder / "setup.py")
        return inputs

    def build(self, name: str, path: str | None, created: Callable[[], None]) -> None:
        created()
        self.builds += 1
        (self._folder / "rows.json").read_text()
        self.during()


class Scene:
    """A project, its server, and runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        self.folder.mkdir()
        for name in ("setup.py", "rows.json"):
            self.write(name, "")
        self.keeper = MemoryKeeper()
        self.recipe = FileRecipe(self.folder)
        self.means = Means(manifests=folder / "manifests", root=self.folder)

    def write(self, name: str, text: str) -> None:
        """Write a file that is older than what begins now."""
        (self.folder / name).write_text(text)
        self.settle(name)

    def settle(self, name: str) -> None:
        """Wait until a file that was written is older than what begins now."""
        path = self.folder / name
        until = time.monotonic() + PATIENCE
        while is_written_since(path, time.time_ns()):
            assert time.monotonic() < until
            time.sleep(0.001)

    def run(self, **means: Any) -> Preparation:
        recipe: Any = self.recipe
        keeper: Any = self.keeper
        return Preparation(recipe, keeper, replace(self.means, **means))


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_template_is_found_again(scene: Scene) -> None:
    made = scene.run().make(FACTS)
    assert scene.run(began_ns=time.time_ns()).find(FACTS).template == made.template
    assert scene.recipe.builds == 1


def test_input_edited_after_the_run_began_serves_that_run_only(scene: Scene) -> None:
    began = time.time_ns()
    (scene.folder / "setup.py").write_text("edited")
    first = scene.run(began_ns=began)
    assert first.make(FACTS).why == "edited since the run began: setup.py"
    assert first.find(FACTS).template is None
    assert scene.run().find(FACTS).template is None
    assert scene.run(began_ns=began).make(FACTS).template != "build1"
    assert len(scene.keeper.templates) == 2


def test_template_made_before_the_edit_is_not_taken_for_it(scene: Scene) -> None:
    scene.run().make(FACTS)
    began = time.time_ns()
    (scene.folder / "setup.py").write_text("")
    assert scene.run(began_ns=began).find(FACTS).template is None


def test_file_that_the_build_writes_is_no_input(scene: Scene) -> None:
    scene.recipe.during = lambda: scene.write("rows.json", str(scene.recipe.builds))
    made = scene.run().make(FACTS)
    assert scene.keeper.abandoned == []
    assert scene.run().find(FACTS).template == made.template


def test_file_looked_for_in_vain_counts_when_it_is_there(scene: Scene) -> None:
    def look() -> None:
        with suppress(FileNotFoundError):
            (scene.folder / "local.json").read_text()

    scene.recipe.during = look
    made = scene.run().make(FACTS)
    assert scene.run().find(FACTS).template == made.template
    scene.write("local.json", "[1]")
    found = scene.run().find(FACTS)
    assert (found.template, found.why) == (None, "changed: local.json")


def test_file_edited_while_it_is_read_builds_again(scene: Scene) -> None:
    def edit() -> None:
        if scene.recipe.builds == 1:
            # By somebody else: what the build writes itself is no input.
            subprocess.run(["cp", scene.folder / "setup.py", rows], check=True)
            scene.settle("rows.json")

    rows = scene.folder / "rows.json"
    scene.recipe.during = edit
    assert scene.run().make(FACTS).template == "build2"
    assert scene.keeper.abandoned == ["build1"]
    # What the first attempt imported is in memory as it was: no other run may rely on it.
    assert scene.run().find(FACTS).template is None


@pytest.mark.parametrize("vendor", ["mysql", "sqlite"])
def test_template_without_its_file_gets_one(
    scene: Scene, tmp_path: Path, vendor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scene.recipe, "vendor", vendor)
    monkeypatch.setattr(scene.recipe, "target", lambda: {"templates": str(tmp_path)}, raising=False)
    made = scene.run().make(FACTS)
    cache = tmp_path / "cache"
    assert scene.run(cache=cache).find(FACTS).template == made.template
    assert len(list(cache.glob(f"*.{vendor}.template"))) == 1
    assert scene.run(cache=cache).find(FACTS).template == made.template
    assert scene.keeper.dumped == [made.template]


def test_sealed_template_without_its_file_is_built_again(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scene.recipe, "vendor", "postgresql")
    first = scene.run().make(FACTS)
    kept = scene.run(cache=tmp_path / "cache")
    assert kept.find(FACTS).why == "its file is not there yet"
    # There is no server to dump from: what could not be kept once is not built for it each time.
    assert kept.make(FACTS).template == first.template
    assert kept.remarks
    assert scene.run(cache=tmp_path / "cache").find(FACTS).template == first.template
    assert scene.recipe.builds == 2


def test_template_that_has_a_file_is_announced_as_loaded(scene: Scene, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    scene.run(cache=cache).make(FACTS)
    scene.keeper.templates.clear()
    assert scene.run(cache=cache).find(FACTS).why == FROM_FILE
    assert scene.run(cache=cache).make(FACTS).why == FROM_FILE
    assert scene.recipe.builds == 1


def test_file_that_cannot_be_loaded_is_said_to_be_of_no_use(scene: Scene, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    scene.run(cache=cache).make(FACTS)
    scene.keeper.templates.clear()
    for path in cache.glob("*.template"):
        path.write_text("damaged")
    assert scene.run(cache=cache).make(FACTS).why == "its file could not be used"
    assert scene.recipe.builds == 2
