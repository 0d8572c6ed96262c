"""Templates as files, for servers that are born empty: continuous integration, containers."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from pytest_concurrent.databases.keeper import Keeper
from pytest_concurrent.databases.pgdump import Facts, PostgresTools
from pytest_concurrent.databases.recipe import Recipe
from pytest_concurrent.exceptions import DatabaseTemplateException

_TOOL = "pytest-concurrent"

#: Version of the format. What another version wrote is not read.
_VERSION = 1

#: Bytes of the first line, at most: it holds a handful of short texts.
_LONGEST_HEADER = 65536

#: Files of one database that are kept, those used last: as many builds as `manifest` remembers.
_KEPT = 16

#: Seconds after which a folder that a killed run left behind is cleared away. No tool of ours
#: works longer on one file.
_FORGOTTEN = 3600.0

_WORKSHOP = ".pytest-concurrent-"
_SUFFIX = ".template"


class DamagedFile(Exception):  # noqa: N818 - it is what happened, and never leaves this module
    """A file is not what its first line says."""


@dataclass(frozen=True)
class Header:
    """The first line of a file.

    Attributes:
        key: The template's key.
        vendor: The engine.
        name: Project and alias.
        size: Bytes that follow.
        sha256: Their digest.
        facts: PostgreSQL: what the server must be like; else empty.
    """

    key: str
    vendor: str
    name: str
    size: int
    sha256: str
    facts: dict[str, Any]

    def to_line(self) -> bytes:
        """As it is written."""
        return json.dumps({"tool": _TOOL, "v": _VERSION, **asdict(self)}).encode() + b"\n"

    @classmethod
    def read(cls, file: IO[bytes]) -> Header:
        """Read it.

        Raises:
            DamagedFile: It is none.
        """
        try:
            fields = json.loads(file.readline(_LONGEST_HEADER))
            if (fields.pop("tool"), fields.pop("v")) != (_TOOL, _VERSION):
                raise DamagedFile("another version wrote it")
            header = cls(**fields)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise DamagedFile("its first line cannot be read") from error
        texts = (header.key, header.vendor, header.name, header.sha256)
        if not all(isinstance(text, str) for text in texts) or not isinstance(header.size, int):
            raise DamagedFile("its first line cannot be read")
        return header


class PortableTemplates:
    """The files of one database in the folder of ``--concurrent-db-cache``.

    Nothing that goes wrong with a file ends a run: it is remarked upon, and the template is built.

    Args:
        folder: The folder; made when the first file is.
        recipe: The database.
        keeper: A conversation with the keeper.

    Attributes:
        remarks: What went wrong, in words for people.
    """

    def __init__(self, folder: Path, recipe: Recipe, keeper: Keeper) -> None:
        self._folder = folder
        self._recipe = recipe
        self._keeper = keeper
        self._name = f"{recipe.project}/{recipe.alias}"
        self.remarks: list[str] = []

    def has_file(self, key: str) -> bool:
        """Whether there is a file, usable or not.

        Args:
            key: The template's key.
        """
        return os.path.lexists(self._path(key))

    def save_build(self, name: str, key: str) -> None:
        """Write the file of a build that is not published yet: PostgreSQL's.

        Nobody gets into a template any more once it is sealed.

        Args:
            name: The build.
            key: The key under which it will be published.
        """
        if self._recipe.vendor != "postgresql":
            return
        what = f"the template of {self._name} is not kept as a file"
        with self._remarking(what), self._workshop() as path:
            facts = PostgresTools(self._recipe.target()).dump(name, path)
            self._keep(path, key, asdict(facts))

    def save_template(self, server: int, template: str, key: str) -> None:
        """Write the file of a template, except PostgreSQL's.

        Args:
            server: The keeper's number for the server.
            template: The template.
            key: Its key.
        """
        if self._recipe.vendor == "postgresql":
            return
        what = f"the template of {self._name} is not kept as a file"
        with self._remarking(what), self._workshop() as path:
            self._keeper.request("dump", server=server, template=template, path=str(path))
            self._keep(path, key, {})

    def load(self, server: int, key: str) -> str | None:
        """Make a template from its file.

        Args:
            server: The keeper's number for the server.
            key: Its key.

        Returns:
            The template's name; None if there is no file, or none that can be used.
        """
        path = self._path(key)
        if not os.path.lexists(path):
            return None
        try:
            with self._remarking(f"{path} is not used, and the template is built"):
                with self._workshop() as payload:
                    header = self._checked(path, key, payload)
                    template = self._restore(server, payload, header)
                os.utime(path)
                return template
        except DamagedFile as error:
            self._set_aside(path, error)
        return None

    def _restore(self, server: int, payload: Path, header: Header) -> str:
        recipe, request = self._recipe, self._keeper.request
        whose: dict[str, Any] = {
            "server": server,
            "project": recipe.project,
            "key": header.key,
        }
        if recipe.vendor != "postgresql":
            answer = request("load", label=recipe.project, path=str(payload), **whose)
            return str(answer["template"])
        name: str = request("begin", server=server, label=recipe.project)["name"]
        try:
            request("create", server=server, name=name)
            request("mark", server=server, name=name, project=recipe.project)
            PostgresTools(recipe.target()).restore(name, payload, _facts(header))
            return str(request("publish", name=name, rebuild=False, **whose)["template"])
        except BaseException:
            with suppress(DatabaseTemplateException):
                request("abandon", server=server, name=name)
            raise

    def _checked(self, path: Path, key: str, copy: Path) -> Header:
        """Copy what follows the first line, so that what was checked is what is loaded.

        Raises:
            DamagedFile: It is not what the first line says.
        """
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            header = Header.read(file)
            if header.key != key or header.vendor != self._recipe.vendor:
                raise DamagedFile("it is another template's")
            digest, size = hashlib.sha256(), 0
            with copy.open("xb") as out:
                while chunk := file.read(1 << 20):
                    digest.update(chunk)
                    size += len(chunk)
                    out.write(chunk)
        if size != header.size or digest.hexdigest() != header.sha256:
            raise DamagedFile("its content does not match its digest")
        return header

    def _keep(self, payload: Path, key: str, facts: dict[str, Any]) -> None:
        with payload.open("rb") as file:
            digest = _digest(file)
            size = file.tell()
            header = Header(key, self._recipe.vendor, self._name, size, digest, facts)
            file.seek(0)
            whole = payload.with_name("whole")
            with os.fdopen(
                os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
            ) as out:
                out.write(header.to_line())
                shutil.copyfileobj(file, out, 1 << 20)
                out.flush()
                os.fsync(out.fileno())
        whole.replace(self._path(key))
        self._prune()

    def _prune(self) -> None:
        """Keep what was used last of this database's files."""
        own = []
        for path in self._folder.glob(f"*{_SUFFIX}"):
            with suppress(OSError, DamagedFile):
                with path.open("rb") as file:
                    header = Header.read(file)
                if (header.name, header.vendor) == (self._name, self._recipe.vendor):
                    own.append((path.stat().st_mtime, path))
        for _, path in sorted(own, reverse=True)[_KEPT:]:
            path.unlink(missing_ok=True)

    @contextmanager
    def _workshop(self) -> Iterator[Path]:
        """The path of a file that is not there yet, in a folder of our own that goes afterwards."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for old in self._folder.glob(f"{_WORKSHOP}*"):
            with suppress(OSError):
                if time.time() - old.stat().st_mtime > _FORGOTTEN:
                    shutil.rmtree(old, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=_WORKSHOP, dir=self._folder) as folder:
            yield Path(folder, "payload")

    @contextmanager
    def _remarking(self, what: str) -> Iterator[None]:
        try:
            yield
        except DatabaseTemplateException as error:
            # The hints of classes are about databases that tests wait for; only its own one helps.
            hint = vars(error).get("hint")
            self.remarks.append(f"{what}: {error}" + (f". {hint}" if hint else ""))
        except OSError as error:
            self.remarks.append(f"{what}: {error.strerror or error}")

    def _set_aside(self, path: Path, error: DamagedFile) -> None:
        bad = path.with_name(f"{path.name}.bad")
        self.remarks.append(f"{path} is damaged ({error}): moved to {bad.name}, built anew")
        with self._remarking(f"{path} could not be moved"):
            path.replace(bad)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.{self._recipe.vendor}{_SUFFIX}"


def _facts(header: Header) -> Facts:
    try:
        facts = Facts(**header.facts)
    except TypeError as error:
        raise DamagedFile("its first line cannot be read") from error
    if not isinstance(facts.version, int) or not isinstance(facts.locale, list):
        raise DamagedFile("its first line cannot be read")
    return facts


def _digest(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(1 << 20):
        digest.update(chunk)
    return digest.hexdigest()
