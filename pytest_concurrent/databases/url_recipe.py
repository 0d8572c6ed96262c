"""The recipe of a database without Django: a URL, and a callable that fills it."""

from __future__ import annotations

import asyncio
import functools
import gc
import importlib
import inspect
import os
import sqlite3
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from pytest_concurrent.databases.closure import closure
from pytest_concurrent.databases.drivers import Driver, versions
from pytest_concurrent.databases.inputs import Inputs, digest, matching_files
from pytest_concurrent.databases.recipe import Rows
from pytest_concurrent.databases.specs import CheckedSpec, Setup
from pytest_concurrent.exceptions import (
    ConfigurationException,
    DatabaseCloneException,
)

#: What belongs to a project's set-up has a row here; 16384 is the first number that PostgreSQL
#: gives to what it was not born with (FirstNormalObjectId).
_ANYTHING = {
    "postgresql": "SELECT EXISTS (SELECT FROM pg_class WHERE oid >= 16384"
    " UNION ALL SELECT FROM pg_proc WHERE oid >= 16384"
    " UNION ALL SELECT FROM pg_type WHERE oid >= 16384"
    " UNION ALL SELECT FROM pg_namespace WHERE oid >= 16384"
    " UNION ALL SELECT FROM pg_extension WHERE oid >= 16384)",
    "mysql": "SELECT EXISTS (SELECT 1 FROM information_schema.tables"
    " WHERE table_schema = database() AND table_name <> '__pytest_concurrent'"
    " UNION ALL SELECT 1 FROM information_schema.routines WHERE routine_schema = database())",
    "sqlite": "SELECT EXISTS (SELECT 1 FROM sqlite_master)",
}


#: What a new database gets from its server, in words and in SQL.
_FACTS = {
    "postgresql": (
        ("version", "current_setting('server_version_num')"),
        (
            "encoding and collation",
            "(SELECT concat_ws(' ', pg_encoding_to_char(encoding), datcollate, datctype)"
            " FROM pg_database WHERE datname = 'template1')",
        ),
        (
            "extensions",
            "(SELECT string_agg(name || ' ' || default_version, ', ' ORDER BY name)"
            " FROM pg_available_extensions)",
        ),
    ),
    "mysql": (
        ("version", "version()"),
        ("character set", "@@character_set_server"),
        ("collation", "@@collation_server"),
        ("case of names", "@@lower_case_table_names"),
    ),
    "sqlite": (),
}


class UrlRecipe:
    """How the database of a `TemplateSpec` is reached, keyed and built.

    Args:
        checked: What the project said.
        root: The root folder.
        folder: Where SQLite's files are kept.
    """

    #: The keeper makes the empty database; `build` fills it.
    creates_database = False

    def __init__(self, checked: CheckedSpec, root: Path, folder: Path) -> None:
        self.alias = checked.spec.name
        self.vendor = checked.url.engine
        self.project = root.name
        self._checked = checked
        self._root = root
        self._folder = folder
        self._driver = Driver(checked.url)
        self._target: dict[str, Any] | None = None

    @property
    def has_driver(self) -> bool:
        """Whether `sql` works, so that it can be proven that both sides reach the same server."""
        return self._driver.is_there

    def fingerprint(self) -> str:
        """Digest of URL and set-up; no fixture changes them."""
        url = self._checked.url
        spec = self._checked.spec
        return digest(repr((url.scheme, url.place, _named(spec.setup), self.alias)).encode())[:40]

    def settings(self) -> dict[str, Any] | None:
        """Nothing: whoever builds is a fork of the process that read them."""
        return {}

    def apply(self, settings: dict[str, Any]) -> None:
        """Nothing travels."""

    def target(self) -> dict[str, Any]:
        """Where the server is, with what libpq would add by itself.

        Raises:
            UnsupportedDatabase: Only the project's driver can get there.
        """
        if self._target is None:
            found = self._found_target()
            self._target = {key: value for key, value in found.items() if value is not None}
        return self._target

    def _found_target(self) -> dict[str, Any]:
        url = self._checked.url
        if url.engine == "sqlite":
            templates, clones = self._folder / "templates", self._folder / "clones"
            return {"vendor": "sqlite", "templates": str(templates), "clones": str(clones)}
        target = url.target()
        if url.engine == "postgresql" and not {"user", "password"} <= set(target):
            target |= self._driver.resolved() or _surroundings(target)
        elif url.engine == "mysql" and not {"host", "socket"} & set(target):
            target["host"] = "localhost"
        return target

    def sql(self, statement: str, database: str | None = None) -> Rows:
        """Run a statement through the project's driver."""
        return self._driver.sql(statement, database)

    def lasting(self) -> AbstractContextManager[None]:
        """Keep connections open between statements, so that what one sets holds for the next."""
        return self._driver.lasting()

    def inputs(self) -> Inputs:
        """The set-up and the files that it was said to depend on.

        Raises:
            ConfigurationException: The set-up is not there, or a glob matches no file.
        """
        inputs = Inputs()
        inputs.add("engine", self.vendor)
        inputs.add("Python", sys.version_info[:2])
        for name, version in versions().items():
            inputs.add(name, version)
        if self.vendor == "sqlite":
            inputs.add("SQLite", sqlite3.sqlite_version_info[:2])
        inputs.add("set-up", _named(self._checked.spec.setup))
        for number, fact in enumerate(self._server()):
            inputs.add(f"{_FACTS[self.vendor][number][0]} of the server", fact)
        source = self._source()
        spec = self._checked.spec
        matching = matching_files(self._root, spec.inputs, f"{self._checked.source}, inputs")
        imported = closure([source], str(self._root)) if source is not None else ()
        for path in (*filter(None, [source]), *imported, *matching):
            inputs.add_file(self._relative(path), path)
        return inputs

    def disconnect(self) -> None:
        """Let go of the connection of `sql` before this process is forked."""
        self._driver.close()

    def _server(self) -> Sequence[str | None]:
        """What a new database gets from the server; nothing where we have no driver to ask."""
        facts = _FACTS[self.vendor]
        if not facts or not self.has_driver:
            return ()
        return self.sql(f"SELECT {', '.join(column for _, column in facts)}")[0]

    def build(self, name: str, path: str | None, created: Callable[[], None]) -> None:
        """Call the set-up with the URL of the empty database.

        Raises:
            ConfigurationException: The set-up cannot be imported.
            DatabaseCloneException: It left nothing behind.
        """
        created()
        if self._checked.spec.setup is None:
            return
        setup = self._setup()
        result = setup(self._checked.url.with_database(path or name))
        if inspect.iscoroutine(result):
            asyncio.run(result)
        # Engines that the set-up forgot to close would keep their last words from the template.
        gc.collect()
        if self.vendor == "sqlite":
            self.sql("PRAGMA wal_checkpoint(TRUNCATE)", path)
        if self.has_driver and self.sql(_ANYTHING[self.vendor], path or name)[0][0] in {"f", "0"}:
            raise DatabaseCloneException(
                f"{_named(self._checked.spec.setup)} left nothing in the database whose URL it was "
                f"given ({self._checked.source})",
                hint="Let it use the URL that it is called with, and commit; whatever else it "
                "connects to is not copied for the tests.",
            )

    def url(self, name: str) -> str:
        """The URL of another database on the server; of a file with SQLite."""
        return self._checked.url.with_database(name)

    def params(self, name: str) -> dict[str, Any]:
        """Keyword arguments for the driver's ``connect`` to it."""
        return self._checked.url.params(name)

    def _setup(self) -> Setup:
        setup = self._checked.spec.setup
        assert setup is not None
        if not isinstance(setup, str):
            return setup
        module, _, attribute = setup.partition(":")
        if str(self._root) not in sys.path:
            sys.path.append(str(self._root))
        try:
            found: object = importlib.import_module(module)
            for name in attribute.split("."):
                found = getattr(found, name)
        except (ModuleNotFoundError, AttributeError) as error:
            raise ConfigurationException(
                f"{setup} ({self._checked.source}) cannot be imported: {error}",
                hint="Name it as module:callable; modules are looked for below the root folder, "
                "in pytest's pythonpath, and among what is installed.",
            ) from error
        if not callable(found):
            raise ConfigurationException(f"{setup} ({self._checked.source}) cannot be called")
        return found

    def _source(self) -> str | None:
        """The file of the set-up, without importing it."""
        setup = self._checked.spec.setup
        if setup is None:
            return None
        if isinstance(setup, str):
            return _module_file(setup.partition(":")[0], [*sys.path, str(self._root)])
        while isinstance(setup, functools.partial):
            setup = setup.func
        function = inspect.unwrap(setup)
        try:
            return inspect.getsourcefile(function if _has_code(function) else type(function))
        except TypeError:
            return None  # built in: the interpreter's version says it

    def _relative(self, path: str | Path) -> str:
        """The name of an input: the same in every check-out of the project."""
        return os.path.relpath(os.path.realpath(path), os.path.realpath(self._root))


def _named(setup: Setup | str | None) -> str:
    """What a set-up is called in messages and keys, the same in every process."""
    if setup is None or isinstance(setup, str):
        return setup or ""
    while isinstance(setup, functools.partial):
        setup = setup.func
    named = setup if hasattr(setup, "__qualname__") else type(setup)
    return f"{named.__module__}:{named.__qualname__}"


def _has_code(function: object) -> bool:
    return inspect.isroutine(function) or inspect.isclass(function)


def _module_file(name: str, folders: list[str]) -> str | None:
    """The source of a module, found without running any of its packages."""
    path = Path(*name.split("."))
    for folder in folders:
        for candidate in (Path(folder, path, "__init__.py"), Path(folder, f"{path}.py")):
            if candidate.is_file():
                return str(candidate)
    return None


def _surroundings(target: dict[str, Any]) -> dict[str, Any]:
    """What libpq takes from the environment; password files are beyond us without a driver."""
    user = os.environ.get("PGUSER") or target.get("user") or _login()
    found: dict[str, Any] = {"user": target.get("user") or user}
    found["password"] = target.get("password") or os.environ.get("PGPASSWORD")
    if not {"host", "socket"} & set(target):
        host = os.environ.get("PGHOST", "")
        found["socket" if host.startswith("/") else "host"] = host or "localhost"
    port = os.environ.get("PGPORT", "")
    if "port" not in target and port.isdecimal():
        found["port"] = int(port)
    return found


def _login() -> str | None:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return None
