"""What goes into a template that Django builds, as far as it is known beforehand."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import django
from django.apps import apps
from django.conf import settings
from django.db.migrations.loader import MigrationLoader
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.module_loading import import_string
from django.utils.translation import override

from pytest_concurrent.databases.closure import closure
from pytest_concurrent.databases.inputs import Inputs, matching_files
from pytest_concurrent.databases.recipe import Rows
from pytest_concurrent.django.effective import dict_of_modules, stable, test_settings

#: Settings that change what Django or migrations put into a database.
_SETTINGS = (
    "AUTH_USER_MODEL",
    "DATABASE_ROUTERS",
    "DEFAULT_AUTO_FIELD",
    "DEFAULT_INDEX_TABLESPACE",
    "DEFAULT_TABLESPACE",
    "INSTALLED_APPS",
    "LANGUAGE_CODE",
    "PASSWORD_HASHERS",
    "SITE_ID",
    "TIME_ZONE",
    "USE_I18N",
    "USE_TZ",
)

#: Options of a connection that change what statements do.
_SESSION = ("init_command", "sql_mode", "charset", "options")

#: The server's own words about what a new database gets from it. Columns that older versions lack
#: are NULL this way.
_POSTGRESQL = """
SELECT current_setting('server_version_num'), pg_encoding_to_char(d.encoding), d.datcollate,
  d.datctype, to_jsonb(d)->>'datlocprovider', to_jsonb(d)->>'datcollversion',
  (SELECT string_agg(name || ' ' || default_version, ', ' ORDER BY name)
     FROM pg_available_extensions)
FROM pg_database d WHERE d.datname = {template}
"""
_MYSQL = """
SELECT VERSION(), @@character_set_server, @@collation_server, @@lower_case_table_names,
  @@default_storage_engine
"""


def server_facts(vendor: str, connection: Any, sql: Callable[[str], Rows]) -> dict[str, str]:
    """What the server contributes, by name.

    Args:
        vendor: ``postgresql``, ``mysql`` or ``sqlite``.
        connection: Django's connection; it is not opened.
        sql: Runs a statement.
    """
    driver = _module_version(connection.Database)
    if vendor == "sqlite":
        return {f"SQLite {_minor(connection.Database.sqlite_version)}": ""}
    if vendor == "postgresql":
        template = connection.settings_dict["TEST"].get("TEMPLATE") or "template1"
        row = (sql(_POSTGRESQL.format(template=_quoted(template))) or [[None] * 7])[0]
        number = int(row[0] or 0)
        name, rest = f"PostgreSQL {number // 10000}.{number % 10000}", row[1:6]
        extensions = {"the server's extensions": stable(row[6])}
    else:
        row = sql(_MYSQL)[0]
        vendors = "MariaDB" if "mariadb" in str(row[0]).lower() else "MySQL"
        name, rest, extensions = f"{vendors} {_minor(str(row[0]))}", row[1:], {}
    return {name: "", driver: "", "the server's encoding and collation": stable(rest), **extensions}


@dataclass
class Known:
    """What this process says about a template; files are looked at anew each time.

    It is gathered once: a build imports things, and what they do to this process is no edit.

    Attributes:
        values: Inputs that are no files.
        migrated: Folder of the migrations of each app that has some, by label.
        sources: Files whose code defines models, receivers and routers.
        settings: File of the settings, which migrations read; None = they are in no file.
    """

    values: Inputs = field(default_factory=Inputs)
    migrated: dict[str, str] = field(default_factory=dict)
    sources: list[str] = field(default_factory=list)
    settings: str | None = None

    def add_source(self, path: str | None) -> None:
        """Take a file in."""
        if path is not None and path not in self.sources:
            self.sources.append(path)


def known(alias: str, connection: Any, *, migrations: bool, server: Mapping[str, str]) -> Known:
    """What this process says about the template of an alias.

    Args:
        alias: The alias.
        connection: Its connection; it is not opened.
        migrations: Whether migrations run.
        server: What `server_facts` gave.
    """
    known = Known()
    inputs = known.values
    inputs.add(f"Django {_minor(django.get_version())}", "")
    inputs.add(f"Python {sys.version_info.major}.{sys.version_info.minor}", "")
    inputs.add("the alias", alias)
    inputs.add("the back end", connection.settings_dict["ENGINE"])
    for name, value in server.items():
        inputs.add(name, value)
    _add_settings(inputs, alias, connection, migrations=migrations)
    unmigrated = []
    for app in apps.get_app_configs():
        folder = _migrations_folder(app) if migrations else None
        if folder is None:
            unmigrated.append(app)
        else:
            known.migrated[app.label] = folder
    _add_models(known, unmigrated)
    _add_receivers(known)
    for router in settings.DATABASE_ROUTERS:
        known.add_source(_file_of(_class_of(router)))
    known.settings = _settings_file()
    return known


def inputs_of(known: Known, root: Path, more: Sequence[str] = ()) -> Inputs:
    """What goes into a template, its files as they are now.

    Args:
        known: What the process says.
        root: The project's folder.
        more: Globs of further files, relative to the root folder.

    Raises:
        ConfigurationException: A glob matches no file.
    """
    inputs = Inputs(dict(known.values.digests))
    files = _Files(inputs, str(root))
    for label, folder in known.migrated.items():
        for name in sorted(os.listdir(folder)):
            if name.endswith(".py"):
                files.begin(os.path.join(folder, name), f"{label}/migrations/{name}")
    if known.settings is not None:
        files.begin_settings(known.settings)
    for path in known.sources:
        files.begin(path)
    for matching in matching_files(root, more, "concurrent_database_inputs"):
        files.begin(str(matching))
    files.add_closure()
    return inputs


class _Files:
    """Files that count by their bytes, and those of the project that they import."""

    def __init__(self, inputs: Inputs, root: str) -> None:
        self._inputs = inputs
        self._root = os.path.realpath(root)
        self._begin: set[str] = set()

    def begin(self, path: str, name: str | None = None) -> None:
        """Take a file in, and later what it imports."""
        path = os.path.realpath(path)
        if path not in self._begin:
            self._inputs.add_file(name or self._named(path), path)
            self._begin.add(path)

    def begin_settings(self, path: str) -> None:
        """Take in the settings and what they are put together from."""
        for one in (path, *closure([path], self._root)):
            self.begin(one, f"settings file {self._named(os.path.realpath(one))}")

    def add_closure(self) -> None:
        """Take in what the files import."""
        for path in closure(self._begin, self._root):
            if path not in self._begin:
                self._inputs.add_file(self._named(path), path)

    def _named(self, path: str) -> str:
        _, installed, tail = path.rpartition(f"{os.sep}site-packages{os.sep}")
        if installed and not path.startswith(self._root + os.sep):
            return tail
        return os.path.relpath(path, self._root)


def _add_settings(inputs: Inputs, alias: str, connection: Any, *, migrations: bool) -> None:
    for name in _SETTINGS:
        if hasattr(settings, name):
            inputs.add(f"setting {name}", stable(getattr(settings, name)))
    modules = stable(dict_of_modules()) if migrations else "no migrations"
    inputs.add("setting MIGRATION_MODULES", modules)
    inputs.add(f"setting DATABASES[{alias!r}]['TEST']", stable(test_settings(alias)))
    options = connection.settings_dict["OPTIONS"]
    session = {
        name: options.get(name) for name in ("init_command", "sql_mode", "charset", "options")
    }
    inputs.add(f"setting DATABASES[{alias!r}]['OPTIONS']", stable(session))
    caches = {
        name: cache
        for name, cache in settings.CACHES.items()
        if _class_name(cache.get("BACKEND")).endswith(".DatabaseCache")
        or "cache.backends.db." in str(cache.get("BACKEND"))
    }
    inputs.add("setting CACHES (tables)", stable(caches))


def _settings_file() -> str | None:
    """The source of the settings in force; of those that code put together there is none."""
    module = getattr(settings, "SETTINGS_MODULE", None)
    path = getattr(sys.modules.get(str(module)), "__file__", None)
    return path if isinstance(path, str) else None


def _migrations_folder(app: Any) -> str | None:
    """Where an app's migrations are; found without importing them."""
    module, _ = MigrationLoader.migrations_module(app.label)
    if module is None:
        return None
    if module == f"{app.name}.migrations":
        folders = [os.path.join(app.path, "migrations")]
    else:
        try:
            spec = importlib.util.find_spec(module)
        except ImportError:
            spec = None
        folders = list(spec.submodule_search_locations or ()) if spec else []
    for folder in folders:
        if os.path.isfile(os.path.join(folder, "__init__.py")):
            return folder
    return None


def _add_models(known: Known, unmigrated: Iterable[Any]) -> None:
    shown = []
    with override(None):  # names of permissions in the language of the settings, as Django writes
        for model in apps.get_models(include_auto_created=True, include_swapped=True):
            options = model._meta
            shown.append(
                (
                    options.label,
                    options.managed,
                    options.proxy,
                    options.swapped,
                    stable(options.default_permissions),
                    stable(options.permissions),
                    str(options.verbose_name_raw),
                )
            )
        known.values.add("models' content types and permissions", sorted(map(repr, shown)))
        for app in unmigrated:
            for model in app.get_models(include_auto_created=True, include_swapped=True):
                known.values.add(f"model {model._meta.label}", _model_text(model))
                known.add_source(_file_of(model))


def _model_text(model: Any) -> str:
    options = model._meta
    fields = [(field.name, stable(field.deconstruct())) for field in options.local_fields]
    fields += [(field.name, stable(field.deconstruct())) for field in options.local_many_to_many]
    bases = [base.__qualname__ for base in model.__mro__]
    return repr((options.db_table, stable(options.original_attrs), fields, bases))


def _add_receivers(known: Known) -> None:
    names = []
    for signal, name in ((pre_migrate, "pre_migrate"), (post_migrate, "post_migrate")):
        for receiver in _receivers(signal):
            module = str(getattr(receiver, "__module__", ""))
            names.append(f"{name}: {module}.{getattr(receiver, '__qualname__', '')}")
            if not module.startswith("django."):  # Django's own come with its version
                known.add_source(_file_of(receiver))
    known.values.add("receivers of pre_migrate and post_migrate", sorted(names))


def _receivers(signal: Any) -> Iterator[Any]:
    for entry in signal.receivers:
        receiver = entry[1]
        # Strong ones are functions, the others are references to one.
        yield receiver() if hasattr(receiver, "__callback__") else receiver


def _file_of(thing: Any) -> str | None:
    """The source of the module that defines something."""
    thing = getattr(thing, "__func__", thing)
    if not hasattr(thing, "__module__") or not hasattr(thing, "__qualname__"):
        thing = type(thing)
    path = getattr(sys.modules.get(str(thing.__module__)), "__file__", None)
    return path if isinstance(path, str) else None


def _class_of(router: Any) -> Any:
    try:
        return import_string(router) if isinstance(router, str) else router
    except ImportError:
        return None


def _class_name(backend: object) -> str:
    return backend if isinstance(backend, str) else stable(backend)


def _module_version(driver: Any) -> str:
    version = getattr(driver, "__version__", None) or getattr(driver, "version_info", "")
    if isinstance(version, tuple):
        version = ".".join(map(str, version))
    return f"{driver.__name__} {_minor(str(version))}"


def _minor(version: str) -> str:
    return ".".join(version.split("-", maxsplit=1)[0].split(".")[:2])


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
