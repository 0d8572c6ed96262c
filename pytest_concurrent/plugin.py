"""pytest's hooks; each hands over to the module that knows."""

from __future__ import annotations

import sys
import time
from dataclasses import replace

import pytest

from pytest_concurrent import hookspecs
from pytest_concurrent.collisions import conflicting_distributions, register_once
from pytest_concurrent.compat import early
from pytest_concurrent.marks import register_marks
from pytest_concurrent.options import add_options
from pytest_concurrent.settings import Settings, resolve

SETTINGS = pytest.StashKey[Settings]()
BEGAN = pytest.StashKey[float]()
NO_ENGINE = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Register the options."""
    register_once(pluginmanager, sys.modules[__name__])
    add_options(parser, pluginmanager)
    # Whether concurrency is on is known later, when conftest files were imported.
    early.watch()


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Offer our hooks."""
    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """The run's limit counts from here, before conftest files and collection."""
    early_config.stash[BEGAN] = time.perf_counter()
    early_config.add_cleanup(early.unwatch)


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Resolve the options once, make our marks known, and take the session over if asked to."""
    settings = config.stash[SETTINGS] = _settings(config)
    register_marks(config, short_marks=settings.short_marks)
    _offer_worker_fixtures(config)
    if not settings.enabled or settings.workers == 0:
        early.unwatch()
    if settings.enabled or settings.works_without_workers:
        _start(config, settings)


def _start(config: pytest.Config, settings: Settings) -> None:
    try:
        from pytest_concurrent.controller import session
    except ImportError as error:
        # A system that there is no build for, or a damaged installation: pytest itself still works.
        early.unwatch()
        config.stash[NO_ENGINE] = (
            f"concurrent: sequentially, without workers and timings: {error}; "
            "install pytest-concurrent-engine again to mend it"
        )
        return
    session.start(config, settings, config.stash.get(BEGAN, time.perf_counter()))


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say so if the compiled engine cannot be loaded."""
    return config.stash.get(NO_ENGINE, None)


def _settings(config: pytest.Config) -> Settings:
    settings = resolve(config)
    if not settings.enabled:
        return settings
    return replace(settings, warnings=(*conflicting_distributions(), *settings.warnings))


def _offer_worker_fixtures(config: pytest.Config) -> None:
    if not config.pluginmanager.hasplugin("xdist"):
        from pytest_concurrent.compat import xdist_fixtures

        config.pluginmanager.register(xdist_fixtures, "pytest_concurrent_xdist_fixtures")
