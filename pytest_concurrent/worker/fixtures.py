"""How long what tests share takes, measured apart from the tests that trigger it."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from functools import partial

import pytest
from _pytest.fixtures import FixtureDef, SubRequest

from pytest_concurrent.payload.fixtures import key_of
from pytest_concurrent.worker import tracebacks


class FixtureClock:
    """Measures fixtures wider than a function, and tells while they are at work.

    A fixture's own time is what its function took without the wider fixtures that it asked for,
    and without the teardown of what they replaced.

    Args:
        numbers: Numbers of the shared set-ups that the controller knows, by key.
        share: Told what the worker is at that tests share; None = nothing any more.
    """

    def __init__(self, numbers: dict[str, int], share: Callable[[str | None], None]) -> None:
        self._numbers = numbers
        self._share = share
        self._doing: list[str] = []
        self._nested: list[float] = []
        self._set_ups: list[tuple[int, float]] = []
        self._torn_down_since = 0.0
        self._spent = 0.0
        self._by_phase: dict[str, float] = {}

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(
        self, fixturedef: FixtureDef[object], request: SubRequest
    ) -> Generator[None, object, object]:
        """Measure one set-up."""
        try:
            if fixturedef.scope == "function":
                return (yield)
            what = f"{fixturedef.scope} fixture {fixturedef.argname!r}"
            self._nested.append(0.0)
            began = time.perf_counter()
            # Finalizers run last in, first out: these two stand around what the set-up adds.
            fixturedef.addfinalizer(self._end_teardown)
            self._enter(f"set-up of {what}")
            try:
                return (yield)
            finally:
                self._leave()
                fixturedef.addfinalizer(partial(self._begin_teardown, f"teardown of {what}"))
                self._done(time.perf_counter() - began, fixturedef, request)
        except BaseException:
            tracebacks.hide_own_frames(request.config)
            raise

    def _enter(self, doing: str) -> None:
        self._doing.append(doing)
        self._share(doing)

    def _leave(self) -> None:
        del self._doing[-1:]
        self._share(self._doing[-1] if self._doing else None)

    def _begin_teardown(self, what: str) -> None:
        self._enter(what)
        self._torn_down_since = time.perf_counter()

    def _end_teardown(self) -> None:
        self._leave()
        took = time.perf_counter() - self._torn_down_since
        self._spend(took, own=took)

    def _done(self, took: float, fixturedef: FixtureDef[object], request: SubRequest) -> None:
        own = max(0.0, took - self._nested.pop())
        self._spend(took, own=own)
        number = self._numbers.get(key_of(fixturedef, request.node, request.param_index))
        if number is not None:
            self._set_ups.append((number, own))

    def _spend(self, took: float, *, own: float) -> None:
        self._spent += own
        if self._nested:
            self._nested[-1] += took

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, call: pytest.CallInfo[None]) -> None:
        """A phase is over, or a subtest in it; when that is logged is up to plugins."""
        if self._spent:
            self._by_phase[call.when] = self._by_phase.get(call.when, 0.0) + self._spent
            self._spent = 0.0

    def lap(self, phase: str) -> float:
        """Seconds of shared set-ups and teardowns in a phase that was not asked for before."""
        return self._by_phase.pop(phase, 0.0)

    def forget(self) -> None:
        """What was shared since the last test belongs to none."""
        self._spent = 0.0
        self._by_phase.clear()

    def take(self) -> list[tuple[int, float]]:
        """The known set-ups since the last call: number and seconds of each."""
        taken, self._set_ups = self._set_ups, []
        return taken
