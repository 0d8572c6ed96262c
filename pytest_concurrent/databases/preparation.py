"""The way to a template: reach the server, find the one that is there, or build it."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pytest_concurrent import _engine
from pytest_concurrent.databases.inputs import Inputs, Places, is_written_since
from pytest_concurrent.databases.keeper import Keeper
from pytest_concurrent.databases.manifest import Build, Manifests
from pytest_concurrent.databases.portable import PortableTemplates
from pytest_concurrent.databases.recipe import Recipe
from pytest_concurrent.databases.recorder import Recorder
from pytest_concurrent.exceptions import (
    DatabaseCloneException,
    DatabaseTemplateException,
    UnsupportedDatabase,
)

#: Seconds for which another run that builds the same template is waited for. Longer than building
#: the largest that we know of takes (wagtail's 299 migrations: 35 s); who waits in vain builds too.
PATIENCE = 300.0

#: How often a template is built again because its inputs were edited meanwhile.
_ATTEMPTS = 3

#: Why a template is made although it need not be built.
FROM_FILE = "from its file"


@dataclass(frozen=True)
class Means:
    """What every preparation of a run needs.

    Attributes:
        manifests: Folder of what earlier builds were made from.
        cache: Folder of portable templates; None = none are kept.
        rebuild: Whether templates that are there do not count.
        root: The project's folder.
        ignored: Folders whose files are no inputs.
        began_ns: Wall clock, in nanoseconds, when this process began to import the project: what
            was edited later may be in memory as it was. 0 = not known.
        only_looks: Whether nothing is to be written, not even what was found.
    """

    manifests: Path
    root: Path
    cache: Path | None = None
    rebuild: bool = False
    ignored: tuple[str, ...] = ()
    began_ns: int = 0
    only_looks: bool = False


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


@dataclass(frozen=True)
class _Made:
    """What a build read.

    Attributes:
        recorded: Digest of each file and folder, by name.
        edited: Files that somebody wrote meanwhile.
    """

    recorded: dict[str, str]
    edited: list[str]


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
        try:
            facts = self._keeper.request("open", target=self._recipe.target())
        except UnsupportedDatabase:
            raise
        except DatabaseTemplateException as error:
            if self._is_reached():
                raise UnsupportedDatabase(f"the engine cannot get there: {error}") from error
            raise
        theirs = self.identity()
        if theirs is not None and theirs != facts["identity"]:
            raise UnsupportedDatabase(
                f"the engine reaches another server than the project's driver for "
                f"{self._recipe.alias!r}"
            )
        return facts

    def _is_reached(self) -> bool:
        """Whether the project's own driver gets to a server."""
        try:
            return self.identity() is not None
        except DatabaseTemplateException:
            return False

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
        if edited := self._edited(inputs):
            return Found(server, why=f"edited since the run began: {edited[0]}", facts=facts)
        found = Found(server, facts=facts)
        build, template = self._look_up(server, inputs)
        if build is not None and template is not None and self._is_kept(server, template, build):
            found.template, found.remarks = template, self.remarks
        elif template is not None:
            found.why = "its file is not there yet"
        elif self._portable is not None and any(map(self._portable.has_file, self._keys(inputs))):
            found.why = FROM_FILE
        else:
            found.why = self._explain(inputs)
        return found

    def make(self, facts: dict[str, Any]) -> Found:
        """Build the template, or load it from its file; wait if another run is doing so."""
        server, began = int(facts["server"]), time.perf_counter()
        with self._locked(server):
            found = self.find(facts)
            if found.why == FROM_FILE:
                found.template = self._load(server)
                if found.template is None:
                    found.why = "its file could not be used"
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

    def _edited(self, inputs: Inputs) -> list[str]:
        """Inputs that this process may have in memory as they were before."""
        return inputs.edited_since(self._means.began_ns) if self._means.began_ns else []

    def _is_kept(self, server: int, template: str, build: Build) -> bool:
        """Whether a template that was found has its file, which is written if that can be done."""
        if self._portable is None or build.unkept or self._portable.has_file(build.key):
            return True
        if self._recipe.vendor == "postgresql":
            return False  # nobody gets into a sealed template: what is to be dumped is built again
        if not self._means.only_looks:
            self._portable.save_template(server, template, build.key)
        return True

    def _keys(self, inputs: Inputs) -> list[str]:
        return [key for memory in self._memories for key, _ in memory.candidates(inputs)]

    def _look_up(self, server: int, inputs: Inputs) -> tuple[Build | None, str | None]:
        for memory in self._memories:
            for key, build in memory.candidates(inputs):
                template = self._find(server, key)
                if template is not None:
                    found = replace(build, key=key, inputs=inputs.digests)
                    self._remember(found)
                    return found, template
        return None, None

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
        for key in self._keys(inputs):
            if (template := self._portable.load(server, key)) is not None:
                return str(template)
        return None

    def _build(self, server: int) -> str:
        before, name, made, lasts = self._build_calmly(server)
        if not lasts:
            # Code that was imported before it was edited stays in memory as it was, in another
            # attempt too. So this run gets what it would get without us, and no other run does.
            return self._publish(
                server, name, before.key({"only for the run": secrets.token_hex()})
            )
        recorded = made.recorded
        build = Build(before.key(recorded), before.key(), before.digests, recorded)
        remarks = len(self.remarks)
        if self._portable is not None:
            self._portable.save_build(name, build.key)
        template = self._publish(server, name, build.key)
        if self._portable is not None:
            self._portable.save_template(server, template, build.key)
        self._remember(replace(build, unkept=len(self.remarks) > remarks))
        return template

    def _build_calmly(self, server: int) -> tuple[Inputs, str, _Made, bool]:
        """Build until nothing is edited meanwhile.

        Returns:
            The inputs, the build's name, what it read, and whether other runs may use it.
        """
        edited: list[str] = []
        for attempt in range(_ATTEMPTS):
            before = self._recipe.inputs()
            name, made = self._build_once(server)
            is_same = self._recipe.inputs().key() == before.key()
            # What changes in every attempt is written by something that the build itself starts.
            if is_same and (not made.edited or made.edited == edited):
                return before, name, made, attempt == 0 and not self._edited(before)
            # Somebody edited an input: what was built is neither the old state nor the new.
            self._keeper.request("abandon", server=server, name=name)
            edited = made.edited
        raise DatabaseCloneException(
            f"the template for {self._recipe.alias!r} could not be built: its inputs changed "
            f"{_ATTEMPTS} times while it was being built",
            hint="Run again when nothing writes to the project's files.",
        )

    def _build_once(self, server: int) -> tuple[str, _Made]:
        keeper, recipe = self._keeper, self._recipe
        name: str = keeper.request("begin", server=server, label=recipe.project)["name"]

        path = self._path(name)

        def created() -> None:
            if path is not None:  # SQLite fills memory first; a file is what can be marked
                Path(path).touch(mode=0o600)
            keeper.request("mark", server=server, name=name, project=recipe.project)

        began_ns = time.time_ns()
        recorder = Recorder(str(self._means.root), *self._means.ignored)
        try:
            if not recipe.creates_database:
                keeper.request("create", server=server, name=name)
            recipe.build(name, path, created)
        except BaseException:
            keeper.request("abandon", server=server, name=name)
            raise
        paths = recorder.stop()
        recorded = self._places.digests(map(self._places.name, paths))
        # A folder's time tells nothing: compiled modules are written into it.
        edited = [one for one in paths if os.path.isfile(one) and is_written_since(one, began_ns)]
        return name, _Made(recorded, edited)

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
        if self._means.only_looks:
            return
        for memory in self._memories:
            memory.remember(build)
