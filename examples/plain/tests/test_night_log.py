"""One night, told in steps: each test goes on where the one before it stopped."""

from pathlib import Path

import pytest
from sky.night_log import NightLog

pytestmark = pytest.mark.concurrent_group("night")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> NightLog:
    return NightLog(tmp_path_factory.mktemp("night") / "log.tsv")


def test_night_begins_empty(log: NightLog) -> None:
    assert log.entries() == []


def test_first_entry_is_number_one(log: NightLog) -> None:
    assert log.write("caroline", "clear sky") == 1


def test_second_observer_goes_on(log: NightLog) -> None:
    assert log.write("william", "a comet, perhaps") == 2


def test_morning_finds_both_entries(log: NightLog) -> None:
    assert log.entries() == [(1, "caroline", "clear sky"), (2, "william", "a comet, perhaps")]
    assert log.by("william") == ["a comet, perhaps"]


@pytest.mark.parametrize("text", ["two\nlines", "a\ttab"])
def test_entry_is_one_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match="one line"):
        NightLog(tmp_path / "log.tsv").write("caroline", text)
