"""Readings of pytest-xdist's variables are noticed with file and line, and nothing else is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from types import FunctionType

import pytest

from pytest_concurrent.compat import envwatch


@pytest.fixture(autouse=True)
def watching() -> Iterator[None]:
    envwatch.unwatch()
    envwatch.watch()
    yield
    envwatch.unwatch()


def line_after(function: Callable[[], object]) -> int:
    assert isinstance(function, FunctionType)
    return function.__code__.co_firstlineno + 1


def by_get() -> str | None:
    return os.environ.get("PYTEST_XDIST_WORKER")


def by_getenv() -> str | None:
    return os.getenv("PYTEST_XDIST_WORKER", "none")


def by_in() -> bool:
    return "PYTEST_XDIST_WORKER" in os.environ


def by_index() -> str:
    return os.environ["PYTEST_XDIST_WORKER"]


@pytest.mark.parametrize("read", [by_get, by_getenv, by_in, by_index])
def test_each_way_to_read_is_noticed(
    read: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw7")
    read()
    found = envwatch.Reading("PYTEST_XDIST_WORKER", __file__, line_after(read))
    assert found in envwatch.readings()


def test_missing_variable_is_missing() -> None:
    assert by_get() is None
    assert by_getenv() == "none"
    with pytest.raises(KeyError):
        by_index()
    assert len(envwatch.readings()) == 3


def test_a_place_is_named_once() -> None:
    for _ in range(3):
        by_get()
    (reading,) = envwatch.readings()
    assert str(reading) == f"{__file__}:{line_after(by_get)} reads PYTEST_XDIST_WORKER"


def test_other_variables_do_not_count() -> None:
    assert os.environ.get("PYTEST_CURRENT_TEST")
    assert "PATH" in os.environ
    assert envwatch.readings() == []


@pytest.mark.parametrize(("module", "count"), [("xdist.plugin", 0), ("xdisturb", 1)])
def test_known_plugins_may_read(module: str, count: int) -> None:
    source = "import os\nos.environ.get('PYTEST_XDIST_WORKER')\n"
    exec(compile(source, "there.py", "exec"), {"__name__": module})
    assert len(envwatch.readings()) == count


def test_nothing_is_noticed_afterwards() -> None:
    envwatch.unwatch()
    by_get()
    assert envwatch.readings() == []


def test_watching_anew_forgets() -> None:
    by_get()
    envwatch.unwatch()
    assert len(envwatch.readings()) == 1
    envwatch.watch()
    assert envwatch.readings() == []
