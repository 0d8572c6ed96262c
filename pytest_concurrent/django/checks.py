"""What a run refuses before it opens a database."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

from django.conf import settings
from django.db import connections

from pytest_concurrent.databases.production import environment_refusal, looks_like_production


def refusal(aliases: Iterable[str], allowed: Sequence[str]) -> str | None:
    """Why the databases of some aliases may not be opened; None = they may.

    Args:
        aliases: What the collected tests use.
        allowed: Names that may be opened although they look like production.
    """
    if why := environment_refusal():
        return why
    real = {name: alias for alias in connections for name in _real_names(connections[alias])}
    for alias in sorted(set(aliases) & set(connections)):
        name = _test_name(connections[alias])
        if name is None:
            continue
        if name in real:
            return (
                f"the test database of {alias!r} has the name of the real database of "
                f"{real[name]!r} ({_shown(name)}); give DATABASES[{alias!r}]['TEST']['NAME'] a "
                "name of its own"
            )
        if looks_like_production(_shown(name), allowed):
            return (
                f"the test database of {alias!r} looks like production ({_shown(name)}); give "
                f"DATABASES[{alias!r}]['TEST']['NAME'] another name, or name it in "
                "ALLOW_DATABASES or concurrent_allow_databases"
            )
    return None


def warnings() -> list[str]:
    """What is not as it should be, but no reason to refuse."""
    if settings.DEBUG:
        return ["the settings say DEBUG = True: tests may behave otherwise than in production"]
    return []


def _test_name(connection: Any) -> str | None:
    """What Django would call the test database; None = none of its own, or in memory."""
    entry = connection.settings_dict
    if entry["TEST"]["MIRROR"]:
        return None
    if connection.vendor == "sqlite":
        return _file(connection, entry["TEST"]["NAME"])
    name = entry["TEST"]["NAME"]
    return str(name) if name else f"test_{entry['NAME'] or ''}"


def _real_names(connection: Any) -> list[str]:
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        name = _file(connection, name)
    return [str(name)] if name else []


def _file(connection: Any, name: object) -> str | None:
    if not name or connection.creation.is_in_memory_db(name):
        return None
    return os.path.realpath(str(name))


def _shown(name: str) -> str:
    return os.path.basename(name)
