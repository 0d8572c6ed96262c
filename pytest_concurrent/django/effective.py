"""The settings in force for one database: recognised again, and carried to another process."""

from __future__ import annotations

import enum
import json
import os
from collections.abc import Mapping
from typing import Any

import pytest
from django.conf import settings
from django.core.signals import setting_changed
from django.db import connections
from django.utils.functional import Promise

from pytest_concurrent.databases.inputs import digest

#: Keys of an entry of DATABASES that say where a database is and what it is like.
_KEYS = ("ENGINE", "HOST", "PORT", "USER", "PASSWORD", "OPTIONS", "TIME_ZONE")

#: No app has this label, so only what answers for every app answers for it.
_ANY_APP = "no app has this label"


class NoMigrations:
    """A MIGRATION_MODULES that says of every app that it has no migrations."""

    def __contains__(self, app: object) -> bool:
        return True

    def __getitem__(self, app: str) -> None:
        return None

    def get(self, app: str, default: object = None) -> None:
        """None, as for every app."""


def migrations_asked_for(config: pytest.Config) -> bool:
    """Whether pytest-django is going to run migrations, as far as options and settings say."""
    return not config.getoption("nomigrations", False) and migrations_in_force()


def migrations_in_force() -> bool:
    """Whether the settings, as they are now, let migrations run."""
    modules = settings.MIGRATION_MODULES
    try:
        return not (_ANY_APP in modules and modules[_ANY_APP] is None)
    except (TypeError, KeyError):
        return True


def fingerprint(alias: str, *, migrations: bool | None = None) -> str:
    """Digest of the settings of one alias, without the names of databases.

    Args:
        alias: The alias.
        migrations: Whether migrations run; None = as the settings say now.
    """
    if migrations is None:
        migrations = migrations_in_force()
    entry = connections[alias].settings_dict
    facts: dict[str, Any] = {key: entry.get(key) for key in _KEYS}
    facts["PASSWORD"] = digest(str(facts["PASSWORD"] or "").encode())
    facts["TEST"] = test_settings(alias)
    facts["migrations"] = dict_of_modules() if migrations else "none"
    facts["zones"] = (settings.TIME_ZONE, settings.USE_TZ)
    return digest(stable(facts).encode())


def test_settings(alias: str) -> dict[str, Any]:
    """The entry's TEST without the name."""
    entry = connections[alias].settings_dict
    return {key: value for key, value in entry["TEST"].items() if key != "NAME"}


test_settings.__test__ = False  # type: ignore[attr-defined] # pytest looks for test_*


def dict_of_modules() -> dict[str, str | None]:
    """MIGRATION_MODULES, if it is a mapping; empty otherwise."""
    modules = settings.MIGRATION_MODULES
    return dict(modules) if isinstance(modules, Mapping) else {}


def patch(alias: str) -> dict[str, Any] | None:
    """Those settings as JSON can carry them; None = it cannot."""
    entry = connections[alias].settings_dict
    wanted = {
        "database": {**{key: entry.get(key) for key in _KEYS}, "TEST": test_settings(alias)},
        "migrations": dict_of_modules() if migrations_in_force() else None,
        "zones": [settings.TIME_ZONE, settings.USE_TZ],
    }
    try:
        carried: dict[str, Any] = json.loads(json.dumps(wanted, default=_path, allow_nan=False))
    except (TypeError, ValueError):
        return None
    return carried


def apply(alias: str, patch: Mapping[str, Any]) -> None:
    """Put a patch in force in this process."""
    # In place: Django's handler, every thread's connection and the settings share this dict.
    entry = connections[alias].settings_dict
    database = dict(patch["database"])
    entry["TEST"].update(database.pop("TEST"))
    entry.update(database)
    modules = patch["migrations"]
    settings.MIGRATION_MODULES = NoMigrations() if modules is None else dict(modules)
    for name, value in zip(("TIME_ZONE", "USE_TZ"), patch["zones"], strict=True):
        if getattr(settings, name) != value:
            setattr(settings, name, value)
            setting_changed.send(sender=NoMigrations, setting=name, value=value, enter=True)


def _path(value: object) -> str:
    if isinstance(value, os.PathLike):
        return str(os.fspath(value))
    raise TypeError(f"{type(value).__qualname__} is not for JSON")


def stable(value: Any) -> str:
    """A text of a value that is the same in every process that has the same settings."""
    if value is None or isinstance(value, bool | int | float | str | bytes):
        return repr(value.value if isinstance(value, enum.Enum) else value)
    if isinstance(value, Mapping):
        pairs = sorted((stable(key), stable(one)) for key, one in value.items())
        return "{" + ", ".join(f"{key}: {one}" for key, one in pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(stable(one) for one in value) + "]"
    if isinstance(value, set | frozenset):
        return "{" + ", ".join(sorted(stable(one) for one in value)) + "}"
    if isinstance(value, os.PathLike | Promise):
        return repr(str(value))
    return _stable_object(value)


def _stable_object(value: Any) -> str:
    named = getattr(value, "__qualname__", None)
    if isinstance(named, str):  # a class or a function
        return f"{value.__module__}.{named}"
    deconstruct = getattr(value, "deconstruct", None)
    if callable(deconstruct):
        return f"{type(value).__qualname__}({stable(deconstruct())})"
    if isinstance(value, enum.Enum):
        return f"{type(value).__qualname__}.{value.name}"
    kind = type(value)
    return f"{kind.__module__}.{kind.__qualname__}"
