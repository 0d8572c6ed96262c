"""How long set-ups that tests share take, measured apart from the tests that trigger them."""

from __future__ import annotations

import time
from collections.abc import Generator

import pytest
from _pytest.fixtures import FixtureDef, SubRequest

from pytest_concurrent.payload.fixtures import key_of
from pytest_concurrent.worker import tracebacks


class FixtureClock:
    """Measures the set-up of fixtures wider than a function.

    A fixture's own time is what its function took without the wider fixtures that it asked for.

    Args:
        numbers: Numbers of the shared set-ups that the controller knows, by key.
    """

    def __init__(self, numbers: dict[str, int]) -> None:
        self._numbers = numbers
        self._nested: list[float] = []
        self._set_ups: list[tuple[int, float]] = []
        self._total = 0.0

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(
        self, fixturedef: FixtureDef[object], request: SubRequest
    ) -> Generator[None, object, object]:
        """Measure one set-up."""
        try:
            if fixturedef.scope == "function":
                return (yield)
            self._nested.append(0.0)
            began = time.perf_counter()
            try:
                return (yield)
            finally:
                self._done(time.perf_counter() - began, fixturedef, request)
        except BaseException:
            tracebacks.hide_own_frames(request.config)
            raise

    def _done(self, took: float, fixturedef: FixtureDef[object], request: SubRequest) -> None:
        own = max(0.0, took - self._nested.pop())
        if self._nested:
            self._nested[-1] += took
        self._total += own
        number = self._numbers.get(key_of(fixturedef, request.node, request.param_index))
        if number is not None:
            self._set_ups.append((number, own))

    def take(self) -> tuple[float, list[tuple[int, float]]]:
        """Seconds of shared set-ups since the last call, in all and by number."""
        taken = (self._total, self._set_ups)
        self._total, self._set_ups = 0.0, []
        return taken
