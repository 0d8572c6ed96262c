"""The places that a value can come from, best first, and what they are called in messages."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from pytest_concurrent import values
from pytest_concurrent.options import ENABLED, OPTIONS, TIMINGS_FILE, Option

VETO = "DJANGO_ENABLE_CONCURRENT"
NESTED = "PYTEST_CONCURRENT"

_DICTIONARIES = ("CONCURRENT_TEST", "CONCURRENT_TEST_CONFIG")
_KEYS = frozenset(key for option in OPTIONS for key in option.django) - {TIMINGS_FILE}
_KEYS_OF_LATER_VERSIONS = frozenset({"JUNIT_XML"})


@dataclass(frozen=True)
class Candidate:
    """A value as somebody wrote it.

    Attributes:
        text: The value; it is not parsed yet.
        source: Where it was written, for people.
        base: What a relative path is relative to.
        typed: Whether it was given on the command line.
        may_be_missing: Whether a file of this name need not exist.
        problem: Why the value could not even be read, or an empty string.
    """

    text: str
    source: str
    base: Path
    typed: bool = False
    may_be_missing: bool = False
    problem: str = ""


class Sources:
    """Everything that was said about our options, in one place.

    Args:
        config: pytest's configuration, its command line parsed.
        environ: The environment variables.
    """

    def __init__(self, config: pytest.Config, environ: Mapping[str, str]) -> None:
        self._config = config
        self._environ = environ
        self._typed_args = tuple(map(str, config.invocation_params.args))
        self.django = DjangoSettings.read()
        self.nested = environ.get(NESTED) == "1"

    def candidates(self, option: Option[Any]) -> Iterator[Candidate]:
        """Every value that was given for `option`, best first."""
        if option is ENABLED and self.nested:
            # A worker's environment says that concurrency is on; what a test starts
            # in there is sequential unless that command line itself says otherwise.
            yield from (found for found in self._command_line(option) if self.is_typed(option))
            return
        yield from self._command_line(option)
        yield from self._environment(option)
        yield from self._ini(option)
        yield from self._django(option)

    def is_typed(self, option: Option[Any]) -> bool:
        """Whether `option` is in the arguments themselves, not only in ``addopts``."""
        return self._typed_name(option) is not None

    def veto(self) -> Candidate | None:
        """What ``DJANGO_ENABLE_CONCURRENT`` says, which may overrule the command line."""
        return self._variable(VETO)

    def _typed_name(self, option: Option[Any]) -> str | None:
        if getattr(self._config.option, option.dest, None) is None:
            return None
        # The long name first: the short one may be another plugin's.
        for name in (option.long, *option.short, *option.off):
            if any(arg == name or arg.startswith(f"{name}=") for arg in self._typed_args):
                return name
        return None

    def _command_line(self, option: Option[Any]) -> Iterator[Candidate]:
        value = getattr(self._config.option, option.dest, None)
        if value is not None and not option.ini_only:
            name = self._typed_name(option)
            source = f"{name} on the command line" if name else f"{option.long} in addopts"
            yield Candidate(str(value), source, self._config.invocation_params.dir, typed=True)

    def _environment(self, option: Option[Any]) -> Iterator[Candidate]:
        yield from filter(None, map(self._variable, option.environment))
        yield from map(_contrary, filter(None, map(self._variable, option.opposites)))

    def _variable(self, name: str) -> Candidate | None:
        text = self._environ.get(name, "").strip()
        if not text:
            return None
        base = self._config.invocation_params.dir
        source = f"environment variable {name}"
        return Candidate(text, source, base, may_be_missing=name == TIMINGS_FILE)

    def _ini(self, option: Option[Any]) -> Iterator[Candidate]:
        file = self._config.inipath
        base = file.parent if file else self._config.rootpath
        overrides = self._config.option.override_ini or ()
        for key in option.ini_keys:
            typed = any(str(pair).startswith(f"{key}=") for pair in overrides)
            source = f"{key} with -o" if typed else f"{key} in {file}"
            try:
                text = _as_text(self._config.getini(key))
            except (TypeError, ValueError, pytest.UsageError):
                # pytest 9.0 and 9.1 refuse TOML's own numbers and booleans here.
                yield Candidate("", source, base, problem="write it as a string, in quotes")
                continue
            if text:
                yield Candidate(text, source, base)

    def _django(self, option: Option[Any]) -> Iterator[Candidate]:
        for key in option.django:
            text, source = self.django.text(key)
            if text:
                base = self._config.rootpath
                yield Candidate(text, source, base, may_be_missing=key == TIMINGS_FILE)


@dataclass(frozen=True)
class DjangoSettings:
    """What the project's Django settings say, where Django is configured already.

    Attributes:
        name: The setting that holds our dictionary, if there is one.
        entries: That dictionary, its keys in upper case.
        timings_file: The setting ``TEST_TIMINGS_FILE``.
        problem: Why the dictionary cannot be used as it is, or an empty string.
    """

    name: str = _DICTIONARIES[0]
    entries: Mapping[str, object] = field(default_factory=dict)
    timings_file: object = None
    problem: str = ""

    @classmethod
    def read(cls) -> DjangoSettings:
        """Read the settings; never imports or configures Django."""
        module = sys.modules.get("django.conf")
        settings = getattr(module, "settings", None)
        if settings is None or not settings.configured:
            return cls()
        timings_file = getattr(settings, TIMINGS_FILE, None)
        for name in _DICTIONARIES:
            value = getattr(settings, name, None)
            if value is not None:
                return cls._of(name, value, timings_file)
        return cls(timings_file=timings_file)

    @classmethod
    def _of(cls, name: str, value: object, timings_file: object) -> DjangoSettings:
        if not isinstance(value, Mapping):
            problem = f"settings.{name} is a {type(value).__name__}: expected a dictionary"
            return cls(name, {}, timings_file, problem)
        entries = {str(key).upper(): entry for key, entry in value.items()}
        return cls(name, entries, timings_file, _problem_with_keys(name, set(entries)))

    def text(self, key: str) -> tuple[str, str]:
        """The value of `key` as text, empty where there is none, and where it stands."""
        if key == TIMINGS_FILE:
            value, source = self.timings_file, f"settings.{key}"
        else:
            value, source = self.entries.get(key), f"settings.{self.name}['{key}']"
        return _as_text(value), source


def _contrary(candidate: Candidate) -> Candidate:
    try:
        text = "0" if values.FLAG.parse(candidate.text) else "1"
    except ValueError:
        return candidate  # refused by whoever parses it, in its own words
    return replace(candidate, text=text)


def _as_text(value: object) -> str:
    if value is None:
        return ""
    return (os.fspath(value) if isinstance(value, os.PathLike) else str(value)).strip()


def _problem_with_keys(name: str, keys: set[str]) -> str:
    later = sorted(keys & _KEYS_OF_LATER_VERSIONS)
    if later:
        return f"settings.{name}: {', '.join(later)} is not available in this version"
    unknown = sorted(keys - _KEYS)
    if unknown:
        known = ", ".join(sorted(_KEYS))
        return f"settings.{name} has unknown keys: {', '.join(unknown)}; known are {known}"
    return ""
