"""The table of options, what each kind accepts, and names that give way."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_concurrent import values
from pytest_concurrent.collisions import YieldingNames
from pytest_concurrent.options import OPTIONS, TIMINGS_FILE, Option
from pytest_concurrent.settings import Settings
from pytest_concurrent.values import Kind, Shard

KINDS = [
    values.FLAG,
    values.WORKERS,
    values.RESTARTS,
    values.BOUND,
    values.SIZE,
    values.SECONDS,
    values.PAUSE,
    values.SHARD,
    values.INPUT_FILE,
    values.OUTPUT_FILE,
    values.one_of("auto", "fork"),
]

every_option = pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.word)


@every_option
def test_option_fills_one_setting(option: Option[Any]) -> None:
    defaults = {field.name: field.default for field in dataclasses.fields(Settings)}
    assert defaults[option.field] == option.default


@every_option
def test_option_has_every_spelling(option: Option[Any]) -> None:
    assert option.ini.startswith("concurrent_")
    if not option.ini_only:
        assert option.long.startswith("--concurrent")
        assert option.environment[0].startswith("PYTEST_CONCURRENT_OPT_")


@every_option
def test_option_says_what_it_means(option: Option[Any]) -> None:
    assert option.help.endswith(".")
    assert "%" not in option.help  # argparse would format it
    assert option.shown_default


def test_every_setting_has_an_option() -> None:
    computed = {"warnings", "sequential_reason", "sources"}
    fields = {field.name for field in dataclasses.fields(Settings)}
    assert fields == {option.field for option in OPTIONS} | computed


def test_no_spelling_means_two_options() -> None:
    spellings = [
        spelling
        for option in OPTIONS
        for spelling in (*option.flags, *option.off, *option.ini_keys, *option.environment)
        if spelling != TIMINGS_FILE
    ]
    spellings += [key for option in OPTIONS for key in option.django if key != TIMINGS_FILE]
    assert len(spellings) == len(set(spellings))


@pytest.mark.parametrize("text", ["1", "true", "YES", "On"])
def test_switch_is_on(text: str) -> None:
    assert values.FLAG.parse(text) is True


@pytest.mark.parametrize("text", ["0", "False", "no", "OFF"])
def test_switch_is_off(text: str) -> None:
    assert values.FLAG.parse(text) is False


@pytest.mark.parametrize(
    ("text", "workers"), [("auto", "auto"), ("AUTO", "auto"), ("0", 0), ("08", 8), ("1024", 1024)]
)
def test_number_of_workers_is_parsed(text: str, workers: object) -> None:
    assert values.WORKERS.parse(text) == workers


@pytest.mark.parametrize(("text", "seconds"), [("5", 5.0), ("0.001", 0.001), ("1e9", 1e9)])
def test_seconds_are_parsed(text: str, seconds: float) -> None:
    assert values.SECONDS.parse(text) == seconds


def test_pause_may_be_nothing() -> None:
    assert [values.PAUSE.parse(text) for text in ("0", "0.0001", "1e9")] == [0.0, 0.0001, 1e9]


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1", 1),
        ("65536", 65536),
        ("512MiB", 512 * 2**20),
        ("512 mib", 512 * 2**20),
        ("2G", 2 * 2**30),
        ("1.5k", 1536),
        ("2MB", 2_000_000),
        ("7B", 7),
    ],
)
def test_size_is_parsed(text: str, size: int) -> None:
    assert values.SIZE.parse(text) == size


def test_shard_is_parsed() -> None:
    assert values.SHARD.parse("3/3") == Shard(index=3, count=3)
    assert str(Shard(1, 4)) == "1/4"


REFUSED = [
    (values.FLAG, ["", "maybe", "2", "yes no"]),
    (values.WORKERS, ["", "-1", "abc", "1e9", "1.5", "1025", "1_0", "+4", "٣", "9" * 5000]),
    (values.RESTARTS, ["", "auto", "-1", "1000001"]),
    (values.BOUND, ["", "auto", "0", "-1", "1025"]),
    (values.SIZE, ["", "0", "-1", "G", "2X", "2GiBs", "1e9", "2,5G", "٣M", "0.1B", "9" * 5000]),
    (values.SECONDS, ["", "0", "-5", "nan", "inf", "1e999", "1e10", "0.0001", "5s", "1_0"]),
    (values.PAUSE, ["", "-1", "nan", "inf", "1e10", "1s"]),
    (values.SHARD, ["", "0/3", "4/3", "a/b", "1", "1/", "/3", "1/2/3", "-1/3", "1/10001", "1.0/2"]),
    (values.one_of("auto", "fork"), ["", "spawn", "auto,fork"]),
    (values.INPUT_FILE, [".", "there/is/no/such/file", "a\0b"]),
    (values.OUTPUT_FILE, [".", "a\0b"]),
]


@pytest.mark.parametrize(
    ("kind", "text"), [(kind, text) for kind, texts in REFUSED for text in texts]
)
def test_wrong_value_is_refused(kind: Kind[object], text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the message is made by settings
        kind.parse(text)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.accepts)
@given(text=st.text())
def test_any_text_parses_or_is_refused(kind: Kind[object], text: str) -> None:
    with contextlib.suppress(ValueError):
        assert kind.parse(text) is not None


def test_file_to_read_must_exist(tmp_path: Path) -> None:
    file = tmp_path / "timings.json"
    with pytest.raises(ValueError, match="no such file"):
        values.INPUT_FILE.parse(str(file))
    file.touch()
    assert values.INPUT_FILE.parse(str(file)) == file


Parser = tuple[pytest.Parser, YieldingNames]


@pytest.fixture
def parser() -> Parser:
    """A parser with ``--ours`` and ``--concurrent-ours``, which are one option."""
    parser = pytest.Parser(_ispytest=True)
    names = YieldingNames(parser, parser.getgroup("pytest-concurrent"))
    names.add(("--ours", "--concurrent-ours"), dest="concurrent_ours")
    names.watch()
    return parser, names


def test_both_names_reach_one_value(parser: Parser) -> None:
    assert parser[0].parse_known_args(["--ours=1"]).concurrent_ours == "1"
    assert parser[0].parse_known_args(["--concurrent-ours=2"]).concurrent_ours == "2"


@pytest.mark.parametrize("group", ["", "theirs", "pytest-concurrent"])
def test_later_plugin_gets_the_name(parser: Parser, group: str) -> None:
    container = parser[0].getgroup(group) if group else parser[0]
    container.addoption("--ours", dest="theirs", help="not ours")
    found = parser[0].parse_known_args(["--ours=1", "--concurrent-ours=2"])
    assert (found.theirs, found.concurrent_ours) == ("1", "2")


def test_earlier_group_gets_the_name() -> None:
    parser = pytest.Parser(_ispytest=True)
    theirs = parser.getgroup("theirs")
    names = YieldingNames(parser, parser.getgroup("pytest-concurrent"))
    names.add(("--ours", "--concurrent-ours"), dest="concurrent_ours")
    names.watch()
    theirs._addoption("--ours", dest="theirs")
    found = parser.parse_known_args(["--ours=1", "--concurrent-ours=2"])
    assert (found.theirs, found.concurrent_ours) == ("1", "2")


def test_name_that_is_taken_is_left_alone() -> None:
    parser = pytest.Parser(_ispytest=True)
    parser.addoption("--ours", dest="theirs")
    names = YieldingNames(parser, parser.getgroup("pytest-concurrent"))
    names.add(("--ours", "--concurrent-ours"), dest="concurrent_ours")
    names.add(("--ours",), dest="concurrent_other")
    found = parser.parse_known_args(["--ours=1", "--concurrent-ours=2"])
    assert (found.theirs, found.concurrent_ours) == ("1", "2")


def test_option_without_a_name_left_is_gone(parser: Parser) -> None:
    parser[0].addoption("--ours", dest="theirs")
    parser[0].addoption("--concurrent-ours", dest="theirs_too")
    found = parser[0].parse_known_args(["--ours=1", "--concurrent-ours=2"])
    assert (found.theirs, found.theirs_too) == ("1", "2")


def test_two_others_still_collide(parser: Parser) -> None:
    parser[0].addoption("--theirs", dest="first")
    with pytest.raises(ValueError, match="--theirs"):
        parser[0].addoption("--theirs", dest="second")
