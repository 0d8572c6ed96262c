"""What a project without Django says about its database: ini keys and a hook."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from pytest_concurrent.databases import url as urls
from pytest_concurrent.databases.production import looks_like_production
from pytest_concurrent.databases.url import DatabaseUrl
from pytest_concurrent.exceptions import ConfigurationException, SecurityException
from pytest_concurrent.settings import Settings

#: The fixture that a database without a name of its own gets.
DEFAULT_NAME = "concurrent_database"

Setup = Callable[[str], object]

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))", re.ASCII)
_CALLABLE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


@dataclass(frozen=True)
class TemplateSpec:
    """A database that tests get clones of.

    Attributes:
        url: Where the server is: ``postgresql://``, ``mysql://``, ``mariadb://`` or ``sqlite://``,
            with a driver after a plus sign if you like. ``$NAME`` stands for an environment
            variable. The database that it names is never opened; databases beside it are made.
        setup: Called once with the URL of an empty database, to make the template; or
            ``module:callable``. May be a coroutine function. None = the template stays empty.
        name: The fixture that gives a worker's clone. ``fresh_database`` gives a test a clone of
            its own, for another name than ``concurrent_database`` it is ``fresh_`` and that name.
        inputs: Globs of files, relative to the root folder, that the template depends on beside
            what `setup` imports and opens.
    """

    url: str = field(repr=False)
    setup: Setup | str | None = None
    name: str = DEFAULT_NAME
    inputs: Sequence[str] = ()

    @property
    def fresh_name(self) -> str:
        """The fixture that gives a test a clone of its own."""
        return "fresh_database" if self.name == DEFAULT_NAME else f"fresh_{self.name}"


@dataclass(frozen=True)
class CheckedSpec:
    """A `TemplateSpec` that can be used.

    Attributes:
        spec: What the project said.
        url: Its URL, read.
        source: Where it was said, in words for people.
    """

    spec: TemplateSpec
    url: DatabaseUrl
    source: str


def specs(config: pytest.Config, settings: Settings) -> list[CheckedSpec]:
    """Every database that the ini file and the hook ``pytest_concurrent_databases`` name.

    Args:
        config: pytest's configuration.
        settings: Our options.

    Raises:
        ConfigurationException: One of them cannot be used as it is.
        SecurityException: One of them looks like production.
    """
    checked = [_checked(spec, source, settings) for spec, source in _all(config, settings)]
    names = [one.spec.name for one in checked]
    for one in checked:
        if names.count(one.spec.name) > 1:
            raise ConfigurationException(
                f"{one.source}: two databases are called {one.spec.name}",
                hint="Give each TemplateSpec a name of its own: it becomes a fixture.",
            )
    return checked


def _all(config: pytest.Config, settings: Settings) -> Iterator[tuple[TemplateSpec, str]]:
    if settings.database:
        yield (
            TemplateSpec(
                settings.database, settings.database_setup or None, inputs=settings.database_inputs
            ),
            settings.source("database"),
        )
    elif settings.database_setup or (settings.database_inputs and not _is_django_set_up()):
        given = "database_setup" if settings.database_setup else "database_inputs"
        raise ConfigurationException(
            f"{settings.source(given)} belongs to a database, and none is named",
            hint="Set concurrent_database to the URL of a server.",
        )
    hook: Any = config.hook
    for answer in hook.pytest_concurrent_databases(config=config):
        for spec in _listed(answer):
            yield spec, f"TemplateSpec {spec.name!r} of the hook pytest_concurrent_databases"


def _is_django_set_up() -> bool:
    """Whether inputs can belong to the databases of Django's settings."""
    django = sys.modules.get("django.conf")  # whoever uses Django has imported it by now
    return django is not None and bool(django.settings.configured)


def _listed(answer: object) -> Sequence[TemplateSpec]:
    listed = [answer] if isinstance(answer, TemplateSpec) else answer
    if isinstance(listed, Sequence) and all(isinstance(one, TemplateSpec) for one in listed):
        return listed
    raise ConfigurationException(
        f"the hook pytest_concurrent_databases returned a {type(answer).__name__}",
        hint="Return a list of TemplateSpec.",
    )


def _checked(spec: TemplateSpec, source: str, settings: Settings) -> CheckedSpec:
    url = urls.parse(_expanded(spec.url, source), source)
    if not (spec.name.isidentifier() and spec.name.isascii()):
        raise ConfigurationException(
            f"{source}: its name cannot be that of a fixture",
            hint="A name has letters, digits and underscores, and does not begin with a digit.",
        )
    if isinstance(spec.setup, str) and not _CALLABLE.fullmatch(spec.setup):
        place = settings.source("database_setup") if spec.url == settings.database else source
        raise ConfigurationException(
            f"{spec.setup[:80]!r} is not accepted as set-up ({place}): expected module:callable"
        )
    _refuse_production(url, settings)
    return CheckedSpec(spec, url, source)


def _expanded(text: str, source: str) -> str:
    variable = _VARIABLE.fullmatch(text)
    if variable is None:
        return text
    name = variable[1] or variable[2]
    value = os.environ.get(name, "").strip()
    if not value:
        raise ConfigurationException(
            f"{source} is the environment variable {name}, which is not set",
            hint=f"Set {name} to the URL of a server.",
        )
    return value


def _refuse_production(url: DatabaseUrl, settings: Settings) -> None:
    # It would not be opened. But whoever names it names a server that tests must keep away from.
    name = url.database
    if url.engine != "sqlite" and looks_like_production(name, settings.allow_databases):
        raise SecurityException(
            f"{url.source} names {name!r}, which looks like production",
            hint=f"Name a server for tests, or add {name} to concurrent_allow_databases.",
        )
