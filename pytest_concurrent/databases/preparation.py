"""The way to a template: reach the server, find the one that is there, or build it."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_concurrent import _engine
from pytest_concurrent.databases.inputs import Inputs, Places
from pytest_concurrent.databases.keeper import Keeper
from pytest_concurrent.databases.manifest import Build, Manifests
from pytest_concurrent.databases.portable import PortableTemplates
from pytest_concurrent.databases.recipe import Recipe
from pytest_concurrent.databases.recorder import Recorder
from pytest_concurrent.exceptions import DatabaseCloneException, UnsupportedDatabase

#: Seconds for which another run that builds the same template is waited for. Longer than building
#: the largest that we know of takes (wagtail's 299 migrations: 35 s); who waits in vain builds too.
PATIENCE = 300.0

#: How often a template is built again because its inputs were edited meanwhile.
_ATTEMPTS = 3


@dataclass(frozen=True)
class Means:
    """What every preparation of a run needs.

    Attributes:
        manifests: Folder of what earlier builds were made from.
        cache: Folder of portable templates; None = none are kept.
        rebuild: Whether templates that are there do not count.
        root: The project's folder.
        ignored: Folders whose files are no inputs.
    """

    manifests: Path
    root: Path
    cache: Path | None = None
    rebuild: bool = False
    ignored: tuple[str, ...] = ()


@dataclass
class Found:
    """What a preparation came to.

    Attributes:
        server: The keeper's number for the server.
        template: Name of the template; None = there is none yet.
        why: Why there is none, or why one was built, in words.
        seconds: How long building or loading it took.
        remarks: What went wrong with its file, in words.
        facts: What the server says of itself.
    """

    server: int
    template: str | None = None
    why: str = ""
    seconds: float = 0.0
    remarks: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


class Preparation:
    """Prepares the template of one recipe.

    Args:
        recipe: The database.
        keeper: A conversation with the keeper.
        means: What the run offers.
    """

    def __init__(self, recipe: Recipe, keeper: Keeper, means: Means) -> None:
        self._recipe = recipe
        self._keeper = keeper
        self._means = means
        name = f"{recipe.project}/{recipe.alias}/{recipe.vendor}"
        self._places = Places(str(means.root))
        self._memories = [Manifests(means.manifests, name, self._places)]
        self._portable: PortableTemplates | None = None
        if means.cache is not None:
            self._memories.append(Manifests(means.cache, name, self._places))
            self._portable = PortableTemplates(means.cache, recipe, keeper)

    @property
    def remarks(self) -> list[str]:
        """What went wrong with files of templates, in words."""
        return [] if self._portable is None else self._portable.remarks

    def open(self) -> dict[str, Any]:
        """Let the keeper reach the server, and prove that it is the one that tests reach.

        Returns:
            What the server says of itself, and ``server``, the keeper's number for it.

        Raises:
            UnsupportedDatabase: The keeper cannot get there, or gets elsewhere.
        """
        facts = self._keeper.request("open", target=self._recipe.target())
        theirs = self.identity()
        if theirs is not None and theirs != facts["identity"]:
            raise UnsupportedDatabase(
                f"the engine reaches another server than the project's driver for "
                f"{self._recipe.alias!r}"
            )
        return facts

    def identity(self) -> str | None:
        """What the project's own driver is told by its server; None where there is no server."""
        statement = _engine.database_identity_sql(self._recipe.vendor)
        # Without a driver there is nobody to ask; both sides read the same URL then.
        if not statement or not self._recipe.has_driver:
            return None
        try:
            return self._recipe.sql(statement)[0][0]
        except Exception as error:  # whatever the project's driver raises
            raise DatabaseCloneException(f"{type(error).__name__}: {error}") from error

    def find(self, facts: dict[str, Any]) -> Found:
        """Look for a template that was made from what is there now."""
        server = int(facts["server"])
        if self._means.rebuild:
            return Found(server, why="it was asked for", facts=facts)
        inputs = self._recipe.inputs()
        template = self._look_up(server, inputs)
        if template is not None:
            return Found(server, template, facts=facts)
        return Found(server, why=self._explain(inputs), facts=facts)

    def make(self, facts: dict[str, Any]) -> Found:
        """Build the template, or load it from its file; wait if another run is doing so."""
        server, began = int(facts["server"]), time.perf_counter()
        with self._locked(server):
            found = self.find(facts)
            if found.template is None and self._portable is not None and not self._means.rebuild:
                found.template = self._load(server)
                if found.template:
                    found.why = "its file was there"
            if found.template is None:
                found.template = self._build(server)
        found.seconds, found.remarks = time.perf_counter() - began, self.remarks
        return found

    @contextmanager
    def _locked(self, server: int) -> Generator[None]:
        key = self._recipe.inputs().key()
        wait = PATIENCE
        held = self._keeper.request("lock", server=server, key=key, wait=wait)["held"]
        try:
            yield
        finally:
            if held:
                self._keeper.request("unlock", server=server, key=key)

    def _look_up(self, server: int, inputs: Inputs) -> str | None:
        for memory in self._memories:
            for key, build in memory.candidates(inputs):
                template = self._find(server, key)
                if template is not None:
                    self._remember(Build(key, build.static, inputs.digests, build.recorded))
                    return template
        return None

    def _find(self, server: int, key: str) -> str | None:
        answer = self._keeper.request("find", server=server, project=self._recipe.project, key=key)
        template: str | None = answer["template"]
        return template

    def _explain(self, inputs: Inputs) -> str:
        for memory in self._memories:
            if memory.has_built(inputs):
                return "the server has none"
        for memory in self._memories:
            if changed := memory.explain(inputs):
                return f"changed: {changed}"
        return "it is the first"

    def _load(self, server: int) -> str | None:
        assert self._portable is not None
        inputs = self._recipe.inputs()
        for memory in self._memories:
            for key, _ in memory.candidates(inputs):
                if (template := self._portable.load(server, key)) is not None:
                    return str(template)
        return None

    def _build(self, server: int) -> str:
        for _ in range(_ATTEMPTS):
            before = self._recipe.inputs()
            name, recorded = self._build_once(server)
            if self._recipe.inputs().key() == before.key():
                break
            # Somebody edited an input: what was built is neither the old state nor the new.
            self._keeper.request("abandon", server=server, name=name)
        else:
            raise DatabaseCloneException(
                f"the template for {self._recipe.alias!r} could not be built: its inputs changed "
                f"{_ATTEMPTS} times while it was being built",
                hint="Run again when nothing writes to the project's files.",
            )
        build = Build(before.key(recorded), before.key(), before.digests, recorded)
        if self._portable is not None:
            self._portable.save_build(name, build.key)
        template = self._publish(server, name, build.key)
        if self._portable is not None:
            self._portable.save_template(server, template, build.key)
        self._remember(build)
        return template

    def _build_once(self, server: int) -> tuple[str, dict[str, str]]:
        keeper, recipe = self._keeper, self._recipe
        name: str = keeper.request("begin", server=server, label=recipe.project)["name"]

        path = self._path(name)

        def created() -> None:
            if path is not None:  # SQLite fills memory first; a file is what can be marked
                Path(path).touch(mode=0o600)
            keeper.request("mark", server=server, name=name, project=recipe.project)

        recorder = Recorder(str(self._means.root), *self._means.ignored)
        try:
            if not recipe.creates_database:
                keeper.request("create", server=server, name=name)
            recipe.build(name, path, created)
        except BaseException:
            keeper.request("abandon", server=server, name=name)
            raise
        return name, self._places.digests(map(self._places.name, recorder.stop()))

    def _path(self, name: str) -> str | None:
        if self._recipe.vendor != "sqlite":
            return None
        return str(Path(self._recipe.target()["templates"], f"{name}.sqlite3"))

    def _publish(self, server: int, name: str, key: str) -> str:
        answer = self._keeper.request(
            "publish",
            server=server,
            name=name,
            project=self._recipe.project,
            key=key,
            rebuild=self._means.rebuild,
        )
        return str(answer["template"])

    def _remember(self, build: Build) -> None:
        for memory in self._memories:
            memory.remember(build)
