"""Any text anywhere is accepted, or refused with its name, its place and what is accepted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pytest_concurrent.marks import MarkFacts, MarkReader
from pytest_concurrent.options import OPTIONS, Option
from pytest_concurrent.settings import Settings, resolve
from pytest_concurrent.sources import DjangoSettings

#: What people mistype, and what breaks parsers.
ODD = (
    *("0", "1", "-1", "+1", "1.5", "1e9", "1e999", "nan", "inf", "-inf", "0x10", "1_000", "٣", "²"),
    *("auto", "AUTO", "true", "off", "None", "[]", "()", "{}", "''", '""', ",", ",,", "a,b", "1/4"),
    *("4/1", "0/0", "1/0", "1/", "/", "//", ".", "..", "~", "~nobody", "$HOME", "%s", "%(x)s"),
    *("a\tb", "a b", "\\", "'", '"', "#", ";", "=", "--", "-x", "../../etc", "x" * 5000, "9" * 400),
    *(
        "postgresql://u:p@h/d",
        "sqlite://",
        "module:callable",
        "é",
        "\U0001f600",
        "\x7f",
        "\x1b[31m",
    ),
)
LINE = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=30)
VALUES = st.one_of(st.sampled_from(ODD), LINE, st.integers().map(str), st.floats().map(repr))
PLACES = ("command line", "environment", "ini file", "django")

relaxed = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Config:
    """As much of pytest's configuration as `resolve` looks at."""

    def __init__(self, folder: Path, place: str, option: Option[Any], text: str) -> None:
        self.rootpath = folder
        self.inipath = folder / "pytest.ini"
        self._ini = {option.ini: text} if place == "ini file" else {}
        self.option = SimpleNamespace(override_ini=None, concurrent_enabled="1")
        if place == "command line":
            setattr(self.option, option.dest, text)
        args = (f"{option.long}={text}",) if place == "command line" else ()
        self.invocation_params = SimpleNamespace(args=("--concurrent", *args), dir=folder)
        self.pluginmanager = SimpleNamespace(hasplugin=lambda name: False)

    def getini(self, key: str) -> object:
        return self._ini.get(key)


def places_of(option: Option[Any]) -> list[str]:
    """Where an option can be given."""
    if option.ini_only:
        return ["ini file", *(["django"] if option.django else [])]
    return [place for place in PLACES if place != "django" or option.django]


ROWS = [(option, place) for option in OPTIONS for place in places_of(option)]


@pytest.mark.parametrize(("option", "place"), ROWS, ids=lambda one: getattr(one, "word", one))
@given(text=VALUES)
@example(text="x" * 300)
@example(text="a\0b")
@relaxed
def test_value_is_accepted_or_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: Option[Any], place: str, text: str
) -> None:
    given_text = text.strip() if place != "command line" else text
    environ: Mapping[str, str] = {}
    source = ""
    django = DjangoSettings()
    if place == "environment":
        source = option.environment[0]
        environ = {source: text}
    elif place == "django" and option.django:
        key = option.django[0]
        source = f"settings.CONCURRENT_TEST['{key}']"
        django = DjangoSettings(entries={key: text})
    elif place == "ini file":
        source = option.ini
    else:
        source = option.long
    monkeypatch.setattr(DjangoSettings, "read", classmethod(lambda cls: django))
    config: Any = Config(tmp_path, place, option, text)
    try:
        found = resolve(config, environ)
    except pytest.UsageError as error:
        refused = "\n".join(map(str, error.args))
        if "pytest-xdist" in refused or "needs a worker that can be ended" in refused:
            return
        assert source in refused, refused
        assert (option.long if not option.ini_only else option.ini) in refused
        assert "expected " in refused
        assert len(refused) < 700
    else:
        assert isinstance(found, Settings)
        if not given_text:
            assert getattr(found, option.field) == option.default or option.word == "enabled"


ARGUMENTS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.binary(max_size=3),
    st.lists(st.integers(), max_size=2),
    st.just(object),
)
NAMES = st.sampled_from(["name", "slots", "timeout", "method", "func_only", "other"])
MARKS = (
    "concurrent_serial",
    "concurrent_resource",
    "concurrent_group",
    "xdist_group",
    "timeout",
    "serial",
    "resource",
)


@pytest.mark.parametrize("name", MARKS)
@given(
    args=st.lists(ARGUMENTS, max_size=3),
    kwargs=st.dictionaries(NAMES, ARGUMENTS, max_size=3),
)
@settings(relaxed, max_examples=200)
def test_mark_is_read_or_refused_by_name(
    name: str, args: list[object], kwargs: dict[str, object]
) -> None:
    mark = pytest.Mark(name, tuple(args), kwargs, _ispytest=True)
    item: Any = SimpleNamespace(
        own_markers=[mark], parent=None, nodeid="test_shop.py::test_it", config=None
    )
    try:
        found = MarkReader(frozenset(MARKS)).facts(item)
    except pytest.UsageError as error:
        refused = str(error)
        assert refused.startswith(f"test_shop.py::test_it: @pytest.mark.{name}(")
        assert "is not accepted: expected " in refused
    else:
        assert isinstance(found, MarkFacts)
        assert all(1 <= slots <= 1024 for _, slots in found.resources)
        assert found.limit is None or found.limit > 0


@given(entries=st.dictionaries(st.one_of(LINE, st.integers(), st.none()), ARGUMENTS, max_size=4))
@settings(relaxed, max_examples=300)
def test_unknown_keys_of_django_settings_are_named(entries: dict[Any, object]) -> None:
    found = DjangoSettings._of("CONCURRENT_TEST", entries, None)
    unknown = {str(key).upper() for key in entries} - KNOWN
    assert bool(found.problem) == bool(unknown)
    assert all(key in found.problem for key in unknown)


KNOWN = frozenset(key for option in OPTIONS for key in option.django)


@pytest.mark.parametrize("setting", [7, "ENABLED", ["ENABLED"], None.__class__, object()])
def test_setting_that_is_no_dictionary_is_named(setting: object) -> None:
    assert "expected a dictionary" in DjangoSettings._of("CONCURRENT_TEST", setting, None).problem
