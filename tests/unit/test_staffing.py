"""How many workers there are to be."""

from __future__ import annotations

from typing import Any, cast

import pytest

from pytest_concurrent import _engine
from pytest_concurrent.compat import xdist
from pytest_concurrent.controller.staffing import Staff, staff
from pytest_concurrent.settings import Settings


@pytest.fixture(autouse=True)
def eight_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose advice is known, and nobody who overrules it."""
    monkeypatch.setattr(_engine, "advise_workers", lambda groups: (min(groups, 8), "advice"))
    monkeypatch.setattr(xdist, "auto_workers", lambda config: None)


def counted(settings: Settings, groups: int) -> Staff:
    """What comes of settings where pytest's own configuration has no say."""
    return staff(cast(pytest.Config, None), settings, groups)


def asked(**values: Any) -> Settings:
    """Settings of which those given were given on the command line."""
    sources = {
        name: f"--concurrent-{name.replace('_', '-')} on the command line" for name in values
    }
    return Settings(**values, sources=sources)


def test_auto_is_what_the_machine_advises() -> None:
    assert counted(asked(), 100) == Staff(8, "advice", 8)


def test_default_bounds_leave_auto_alone() -> None:
    assert counted(asked(), 1) == Staff(1, "advice", 1)


def test_given_bounds_hold_for_auto() -> None:
    assert counted(asked(max_workers=4), 100) == Staff(4, "--concurrent-max-workers", 4)
    assert counted(asked(min_workers=9), 100) == Staff(9, "--concurrent-min-workers", 9)


def test_given_number_is_obeyed_whatever_the_bounds() -> None:
    assert counted(asked(workers=20, max_workers=4), 100) == Staff(20, "--concurrent-workers", 20)


def test_scaling_begins_between_its_bounds() -> None:
    assert counted(asked(scale=True), 100) == Staff(16, "advice", 8, 2)
    assert counted(asked(scale=True, workers=1), 100) == Staff(16, "--concurrent-min-workers", 2, 2)
    assert counted(asked(scale=True, workers=20), 100) == Staff(
        16, "--concurrent-max-workers", 16, 2
    )


def test_more_slots_than_groups_are_of_no_use() -> None:
    assert counted(asked(scale=True), 3) == Staff(3, "advice", 3, 2)
    assert counted(asked(scale=True), 1).slots == 1


def test_server_with_few_connections_bounds_all_numbers() -> None:
    assert Staff(16, "advice", 8, 2).within(20, "server") == Staff(16, "advice", 8, 2)
    assert Staff(16, "advice", 8, 2).within(10, "server") == Staff(10, "advice", 8, 2)
    assert Staff(16, "advice", 8, 2).within(1, "server") == Staff(1, "server", 1, 1)
