"""What a run checks before it touches anything, for scripts and set-ups that want to check too.

Each function is what runs themselves use: the same rules about names, environment and files, and
the same redaction.
"""

from __future__ import annotations

import logging
import math
import os
import stat
import sys
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypedDict

from pytest_concurrent import _engine, values
from pytest_concurrent.databases import production
from pytest_concurrent.exceptions import (
    ConfigurationException,
    PermissionException,
    ResourceException,
    SecurityException,
)
from pytest_concurrent.sources import DjangoSettings

__all__ = [
    "Resources",
    "check_system_resources",
    "check_telemetry_disabled",
    "get_env_bool",
    "get_env_float",
    "get_env_int",
    "get_env_str",
    "get_env_var",
    "get_safe_worker_count",
    "known_secrets",
    "sanitize_database_name",
    "sanitize_log_output",
    "security_context",
    "validate_database_permissions",
    "validate_environment",
    "validate_file_permissions",
]

_log = logging.getLogger(__name__)

#: Bytes of a gigabyte, as memory and disks are counted here.
_GB = 2**30

#: So many groups that nothing but the machine sets the number of workers.
_MANY = 2**31


class Resources(TypedDict):
    """What the machine has for a run."""

    cpu_count: int
    """Processors that this process may use: affinity and the container's quota count."""
    cpu_percent: float
    """How busy all processors are now, from 0 to 100."""
    memory_available_gb: float
    """Memory that can be had without swapping, within the container's limit."""
    memory_total_gb: float
    """Memory of the machine, or the container's limit."""
    disk_free_gb: float
    """Room where the current folder is, for this user."""
    safe_worker_count: int
    """What `get_safe_worker_count` gives."""


def validate_environment() -> None:
    """Make sure that databases may be opened for tests here; open none.

    Where Django is configured, all its databases count. ``DEBUG = True`` is a warning.

    Raises:
        SecurityException: ``DJANGO_ENV`` says production, a test database looks like one that
            people work with, or it has the name of one.
    """
    if why := production.environment_refusal():
        raise SecurityException(why)
    if not _django_is_configured():
        return
    from django.db import connections

    from pytest_concurrent.django import checks

    allowed = values.NAMES.parse(DjangoSettings.read().text("ALLOW_DATABASES")[0])
    if why := checks.refusal(connections, allowed):
        raise SecurityException(why)
    for line in checks.warnings():
        warnings.warn(line, stacklevel=2)


def validate_database_permissions(alias: str = "default") -> None:
    """Make sure that the role of the tests may create databases; ask the server, change nothing.

    To be called while this process has one thread: it forks the process that asks.

    Args:
        alias: Of Django's settings.

    Raises:
        PermissionException: It may not; the hint has the statement that allows it.
        DatabaseTemplateException: The server cannot be asked.
    """
    from pytest_concurrent.django.permissions import statement_that_allows

    if statement := statement_that_allows(alias):
        raise PermissionException(
            f"the role of database {alias!r} may not create databases",
            hint=f"An administrator can allow it: {statement}",
        )


def check_telemetry_disabled() -> bool:
    """Whether nobody is told anything: always.

    There is no telemetry, so there is nothing that ``NO_TELEMETRY`` would have to switch off. A
    run connects to the databases and listens on the ports that its user named, and that is all.
    """
    return True


def check_system_resources() -> Resources:
    """Look at the machine; takes a fifth of a second, for which processors are watched."""
    found = _engine.system_resources(os.getcwd())
    return {
        "cpu_count": found["processors"],
        "cpu_percent": found["busy"],
        "memory_available_gb": found["memory_available"] / _GB,
        "memory_total_gb": found["memory_total"] / _GB,
        "disk_free_gb": found["disk_free"] / _GB,
        "safe_worker_count": get_safe_worker_count(),
    }


def get_safe_worker_count() -> int:
    """Give the number that ``--workers=auto`` means here, for a suite of any size."""
    return _engine.advise_workers(_MANY)[0]


def validate_file_permissions(path: str | os.PathLike[str]) -> None:
    """Make sure that a file says what its owner wrote. A file that is not there is fine.

    A file that the group may write is only logged as a warning: groups share projects.

    Args:
        path: Of a file or folder. A folder where everybody may write is fine if it is sticky.

    Raises:
        SecurityException: Every user of the machine may write it, or it is a symbolic link.
    """
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    shown = os.fspath(path)
    if stat.S_ISLNK(mode):
        raise SecurityException(
            f"{shown} is a symbolic link, which is not followed", hint="Name the file itself."
        )
    is_shared_folder = stat.S_ISDIR(mode) and mode & stat.S_ISVTX
    if mode & stat.S_IWOTH and not is_shared_folder:
        raise SecurityException(
            f"{shown} can be written by every user of this machine", hint=f"chmod o-w {shown}"
        )
    if mode & stat.S_IWGRP and not is_shared_folder:
        _log.warning("%s can be written by its group", shown)


@contextmanager
def security_context() -> Generator[Resources]:
    """Run a block only where tests may run: everything above is checked first.

    Yields:
        What `check_system_resources` gives.

    Raises:
        SecurityException: As `validate_environment`.
        ResourceException: The disk is full.
    """
    validate_environment()
    check_telemetry_disabled()
    resources = check_system_resources()
    if resources["disk_free_gb"] <= 0:
        raise ResourceException(
            f"the disk of {os.getcwd()} is full", hint="Make room, or run in another folder."
        )
    yield resources


def sanitize_log_output(text: str) -> str:
    """Take secrets out of a text: each is replaced by ``***``.

    Found are values of environment variables and of Django settings whose names say that they are
    secret (``…PASSWORD``, ``…TOKEN``, ``…API_KEY``, …), wherever they stand; passwords in URLs and
    connection strings; what follows such names in dictionaries, assignments and headers; and what
    looks like a key of a well-known service.
    """
    return _engine.redact(_text(text), known_secrets())


def known_secrets(*urls: str) -> list[str]:
    """Give the secrets that environment and Django settings hold.

    Args:
        urls: Further texts that may hold a password, such as URLs.
    """
    given = {**os.environ, **{str(number): url for number, url in enumerate(urls)}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # reading an old setting is no news
        given |= dict(_settings_of_django())
    return _engine.secrets_in({_text(name): _text(value) for name, value in given.items()})


def sanitize_database_name(name: str) -> str:
    """Make a name that any server takes for a name and nothing else, and that says test.

    Args:
        name: Any text. A name that is fine already stays as it is.

    Returns:
        Lower-case letters, digits and underscores, with ``test_`` in it.

    Raises:
        SecurityException: Nothing would be left of it, or more than 63 characters.
    """
    try:
        return _engine.database_name(name)
    except ValueError as error:
        raise SecurityException(str(error), hint="Give it a shorter name of letters.") from None


def get_env_var(name: str, default: Any = None, var_type: type = str) -> Any:
    """Read an environment variable.

    Args:
        name: Its name.
        default: What is given where it is unset or empty.
        var_type: ``str``, ``int``, ``float`` or ``bool``.

    Raises:
        ConfigurationException: It holds something else; the message says what is accepted.
    """
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    accepts, parse = _PARSERS[var_type]
    try:
        return parse(text)
    except ValueError:
        raise ConfigurationException(
            f"{sanitize_log_output(text)[:80]!r} is not accepted (environment variable {name}): "
            f"expected {accepts}"
        ) from None


def get_env_bool(name: str, default: bool = False) -> bool:
    """Read a switch: 1, true, yes, on, or 0, false, no, off, in any case; as `get_env_var`."""
    value: bool = get_env_var(name, default, bool)
    return value


def get_env_int(name: str, default: int = 0) -> int:
    """Read a whole number; as `get_env_var`."""
    value: int = get_env_var(name, default, int)
    return value


def get_env_float(name: str, default: float = 0.0) -> float:
    """Read a finite number; as `get_env_var`."""
    value: float = get_env_var(name, default, float)
    return value


def get_env_str(name: str, default: str = "") -> str:
    """Read a text; as `get_env_var`."""
    value: str = get_env_var(name, default, str)
    return value


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


_PARSERS: Mapping[type, tuple[str, Callable[[str], Any]]] = {
    bool: (values.FLAG.accepts, values.FLAG.parse),
    int: ("a whole number", int),
    float: ("a number", _finite),
    str: ("a text", str),
}


def _text(text: str) -> str:
    """Without what the system gave as bytes that are no text."""
    return text.encode(errors="replace").decode()


def _django_is_configured() -> bool:
    module: Any = sys.modules.get("django.conf")
    return module is not None and bool(module.settings.configured)


def _settings_of_django() -> Iterator[tuple[str, str]]:
    """Names and values of settings, those of databases too."""
    if not _django_is_configured():
        return
    settings: Any = sys.modules["django.conf"].settings
    for name in filter(str.isupper, dir(settings)):
        yield from _texts(name, getattr(settings, name))


def _texts(name: str, value: object) -> Iterator[tuple[str, str]]:
    """Texts within a setting, each with the name that says most of it."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _texts(f"{name}.{key}", one)
    elif isinstance(value, list | tuple):
        for number, one in enumerate(value):
            yield from _texts(f"{name.removesuffix('_FALLBACKS')}{number}", one)
