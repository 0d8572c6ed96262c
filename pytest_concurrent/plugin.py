"""pytest's hooks; each hands over to the module that knows."""

from __future__ import annotations

import sys
import tempfile
import time
import uuid
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_concurrent import hookspecs
from pytest_concurrent.collisions import conflicting_distributions, register_once
from pytest_concurrent.compat import bdd, early, xdist_hooks, xdist_options
from pytest_concurrent.marks import register_marks
from pytest_concurrent.options import add_options
from pytest_concurrent.settings import Settings, resolve

if TYPE_CHECKING:
    from pytest_concurrent.databases.run import Databases, Provider
    from pytest_concurrent.databases.specs import CheckedSpec

SETTINGS = pytest.StashKey[Settings]()
BEGAN = pytest.StashKey[float]()
NO_ENGINE = pytest.StashKey[str]()
#: By the wall clock, in nanoseconds: what is edited later may have been imported before.
BEGAN_NS = time.time_ns()
NAMED: pytest.StashKey[list[CheckedSpec]] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Register the options."""
    register_once(pluginmanager, sys.modules[__name__])
    add_options(parser, pluginmanager)
    # Whether concurrency is on is known later, when conftest files were imported.
    early.watch()


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Offer our hooks."""
    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None, object, object]:
    """The run's limit counts from here, before conftest files and collection."""
    early_config.stash[BEGAN] = time.perf_counter()
    early_config.add_cleanup(early.unwatch)
    result = yield
    xdist_options.refuse_foreign(parser, early_config.pluginmanager, args)
    return result


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | pytest.ExitCode | None:
    """Look for databases of ours, or at how the suite would run, instead of running it."""
    settings = resolve(config)
    if settings.db_clean:
        return _clean(config)
    return _examine(config) if settings.doctor else None


def _clean(config: pytest.Config) -> int:
    config._do_configure()
    try:
        databases = _open_databases(config, config.stash[SETTINGS], uuid.uuid4().hex)
        if databases is None:
            raise pytest.UsageError("--concurrent-db-clean: no database is named in this project")
        try:
            return databases.clean()
        finally:
            databases.finish()
    finally:
        config._ensure_unconfigure()


def _examine(config: pytest.Config) -> int | pytest.ExitCode:
    try:
        from pytest_concurrent.controller import doctor
    except ImportError as error:
        raise pytest.UsageError(f"--concurrent-doctor: {why_no_engine(error)}") from None

    def why_not() -> str:
        reason = config.stash.get(NO_ENGINE, None) or config.stash[SETTINGS].sequential_reason
        return reason or "switched off"

    return doctor.run(config, why_not)


def why_no_engine(error: ImportError) -> str:
    """Why workers and timings cannot be had here, and what to do if that helps."""
    if sys.platform != "linux":
        return f"they need what only Linux has ({sys.platform}: {error})"
    return f"{error}; install pytest-concurrent-engine again to mend it"


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Resolve the options once, make our marks known, and take the session over if asked to."""
    settings = config.stash[SETTINGS] = _settings(config)
    register_marks(config, short_marks=settings.short_marks)
    xdist_hooks.specify(config.pluginmanager)
    _offer_worker_fixtures(config)
    config.stash[NAMED] = _offer_databases(config, settings)
    if not settings.enabled or settings.workers == 0:
        early.unwatch()
    if settings.enabled or hasattr(config, "workerinput"):
        bdd.attend(config)
    if settings.db_clean or hasattr(config, "workerinput"):
        return  # there is no session, or not here
    if settings.doctor:
        _make_no_cache(config)
    if settings.enabled or settings.works_without_workers or config.stash[NAMED]:
        _start(config, settings)


def _make_no_cache(config: pytest.Config) -> None:
    """The doctor leaves nothing behind: where pytest has no cache folder yet, none is made."""
    cache: Any = getattr(config, "cache", None)
    if cache is not None and not cache._cachedir.exists():
        folder = tempfile.TemporaryDirectory(prefix="pytest-concurrent-doctor-")
        config.add_cleanup(folder.cleanup)
        cache._cachedir = Path(folder.name)


def _start(config: pytest.Config, settings: Settings) -> None:
    try:
        from pytest_concurrent.controller import session
    except ImportError as error:
        # A system that there is no build for, or a damaged installation: pytest itself still works.
        early.unwatch()
        config.stash[NO_ENGINE] = why_no_engine(error)
        return
    run_id = uuid.uuid4().hex
    began = config.stash.get(BEGAN, time.perf_counter())
    databases = _open_databases(config, settings, run_id)
    if databases is not None and not _on_workers(settings):
        from pytest_concurrent.databases.plain import PlainDatabases

        config.pluginmanager.register(PlainDatabases(databases), "pytest_concurrent_databases")
        databases = None
    if settings.enabled or settings.works_without_workers:
        session.start(config, settings, began, run_id, databases)


@pytest.hookimpl(tryfirst=True)
def pytest_concurrent_worker_start(config: pytest.Config, worker: str) -> None:
    """A forked worker has inherited the way to its databases; one that was not finds it here."""
    from pytest_concurrent.worker.birth import KEEPER

    keeper = config.stash.get(KEEPER, None)
    if keeper is not None:
        from pytest_concurrent.databases.joining import join

        providers = providers_of(config, config.stash[SETTINGS], on_workers=True)
        join(config, providers, keeper, worker)


def _on_workers(settings: Settings) -> bool:
    return settings.enabled and settings.workers != 0


def _open_databases(config: pytest.Config, settings: Settings, run_id: str) -> Databases | None:
    """Fork the keeper of the run's databases, if tests may use any; while there is one thread."""
    providers = providers_of(config, settings, on_workers=_on_workers(settings))
    if not providers:
        return None
    from pytest_concurrent.databases.run import Databases

    return Databases(config, settings, providers, run_id, BEGAN_NS)


def providers_of(config: pytest.Config, settings: Settings, *, on_workers: bool) -> list[Provider]:
    """Who knows databases that this session's tests may use."""
    providers: list[Provider] = []
    if settings.db == "off" and not settings.db_clean:
        return providers
    by_django = config.pluginmanager.hasplugin("django") and _django_is_configured()
    if by_django and (settings.db_clean or on_workers):
        from pytest_concurrent.databases.folder import state_folder
        from pytest_concurrent.django.provider import DjangoProvider

        providers.append(DjangoProvider(config, settings, state_folder(config)))
    if found := config.stash[NAMED]:
        from pytest_concurrent.databases.folder import state_folder
        from pytest_concurrent.databases.provider import SpecProvider

        providers.append(SpecProvider(config, settings, found, state_folder(config)))
    return providers


def _offer_databases(config: pytest.Config, settings: Settings) -> list[CheckedSpec]:
    """Make the fixtures known in every run: where there is no database they say what to do."""
    from pytest_concurrent.databases.fixtures import offer

    return offer(config, settings)


def _django_is_configured() -> bool:
    """Whether there are settings; never imports Django by itself."""
    module: Any = sys.modules.get("django.conf")
    return module is not None and module.settings.configured


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say so if the compiled engine cannot be loaded."""
    reason = config.stash.get(NO_ENGINE, None)
    return reason and f"concurrent: sequentially, without workers and timings: {reason}"


def _settings(config: pytest.Config) -> Settings:
    settings = resolve(config)
    if not settings.enabled:
        return settings
    return replace(settings, warnings=(*conflicting_distributions(), *settings.warnings))


def _offer_worker_fixtures(config: pytest.Config) -> None:
    if not config.pluginmanager.hasplugin("xdist"):
        from pytest_concurrent.compat import xdist_fixtures

        config.pluginmanager.register(xdist_fixtures, "pytest_concurrent_xdist_fixtures")
