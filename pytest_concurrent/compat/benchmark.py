"""pytest-benchmark: what is measured runs last and alone, and what was measured comes home.

A measurement beside other tests is worth nothing. It stays in the process that took it, so it
travels with the report of its test.
"""

from __future__ import annotations

import pstats
import sys
from collections.abc import Generator
from types import SimpleNamespace
from typing import Any

import pytest

_FIXTURES = {"benchmark", "benchmark_weave"}
_PLAIN = ("name", "fullname", "group", "param", "extra_info", "iterations")


def measures(config: pytest.Config) -> bool:
    """Whether tests with the fixture are measured."""
    session: Any = getattr(config, "_benchmarksession", None)
    return session is not None and not session.disabled and not session.skip


def is_measured(item: pytest.Item) -> bool:
    """Whether the test measures something, if anything is measured."""
    return not _FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))


def enable(config: pytest.Config, *, only: bool) -> None:
    """In a spawned worker: measure, although it looks like one of pytest-xdist.

    Args:
        config: pytest's configuration.
        only: Whether nothing but what measures is to run.
    """
    session: Any = getattr(config, "_benchmarksession", None)
    if session is not None and getattr(session, "xdist_warning", False):
        session.disabled = session.xdist_warning = False
        session.only = only


def start(config: pytest.Config) -> None:
    """Before workers exist: have them send what they measure."""
    if measures(config):
        config.pluginmanager.register(_Courier(config), "pytest_concurrent_benchmark")


class _Courier:
    """In a worker it adds measurements to reports, in the controller it takes them out.

    Args:
        config: pytest's configuration.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._measured: list[Any] = config._benchmarksession.benchmarks  # type: ignore[attr-defined]
        self._home: list[tuple[int, Any]] = []
        self._items: list[pytest.Item] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Add what the test measured."""
        report = yield
        if call.when == "teardown" and self._measured and hasattr(item.config, "workerinput"):
            shaped: Any = report
            shaped.concurrent_benchmarks = [_packed(one) for one in self._measured]
            self._measured.clear()
        return report

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Remember the tests."""
        self._items = session.items

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in what a test has measured."""
        number: int = getattr(report, "item_index", -1)
        for packed in report.__dict__.pop("concurrent_benchmarks", ()):
            self._home.append((number, _unpacked(packed, self._items[number])))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Hand all over, in the order of a sequential run."""
        result = yield
        self._measured += [one for _, one in sorted(self._home, key=lambda pair: pair[0])]
        return result


def _packed(measured: Any) -> dict[str, Any]:
    profile = measured.cprofile_stats
    return {
        **{name: getattr(measured, name) for name in _PLAIN},
        "options": {name: _named(value) for name, value in measured.options.items()},
        "data": list(measured.stats.data),
        "has_error": measured.has_error,
        "profile": None if profile is None else profile.stats,
    }


def _named(value: Any) -> Any:
    return value.__name__ if callable(value) and hasattr(value, "__name__") else value


def _unpacked(packed: dict[str, Any], item: pytest.Item) -> Any:
    module: Any = sys.modules["pytest_benchmark.stats"]
    measured = module.Metadata.__new__(module.Metadata)
    for name in (*_PLAIN, "options"):
        setattr(measured, name, packed[name])
    # Parameters can be anything; the controller has collected them itself.
    callspec: Any = getattr(item, "callspec", None)
    measured.params = callspec.params if callspec is not None else None
    measured.fixture = SimpleNamespace(has_error=packed["has_error"])
    measured.stats = module.Stats()
    measured.stats.data = packed["data"]
    measured.cprofile_stats = _profile(packed["profile"])
    return measured


def _profile(entries: dict[Any, Any] | None) -> Any:
    if entries is None:
        return None
    profile: Any = pstats.Stats()
    profile.stats = entries
    return profile
