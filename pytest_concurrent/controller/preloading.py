"""Modules that are imported before the fork, so that all workers share them."""

from __future__ import annotations

import importlib
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest
from _pytest.outcomes import OutcomeException
from _pytest.warnings import catch_warnings_for_item

from pytest_concurrent.compat import early
from pytest_concurrent.controller.start_method import choose
from pytest_concurrent.settings import Settings


def preload(config: pytest.Config, settings: Settings) -> None:
    """Import the modules that the user named, in their order, if workers are to be forked.

    They are watched as everything is that was imported before, and nothing is from here on. What
    they leave may stand in the way of a fork: ask `choose` after that.

    Warnings are told as those of the configuration are; what is printed is captured and dropped.

    Raises:
        pytest.UsageError: One cannot be imported.
    """
    try:
        if settings.preload and settings.workers != 0 and choose(config, settings).method == "fork":
            _import_all(config, settings)
    finally:
        early.unwatch()


def _import_all(config: pytest.Config, settings: Settings) -> None:
    with (
        _captured(config),
        catch_warnings_for_item(config=config, ihook=config.hook, when="config", item=None),
    ):
        for name in settings.preload:
            _import(name, settings.source("preload"))


def _import(name: str, source: str) -> None:
    try:
        importlib.import_module(name)
    # A module may ask pytest to skip what imports it, or end the process.
    except (Exception, OutcomeException, SystemExit) as error:
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        text = f"{name!r} is not accepted for concurrent_preload ({source}): {what}"
        raise pytest.UsageError(f"{text}; expected modules that can be imported") from None


@contextmanager
def _captured(config: pytest.Config) -> Generator[None]:
    """As while a test runs, which would have imported it."""
    capture: Any = config.pluginmanager.getplugin("capturemanager")
    if capture is None or not capture.is_globally_capturing():
        yield
        return
    capture.resume_global_capture()
    try:
        yield
    finally:
        capture.suspend_global_capture()
        capture.read_global_capture()
