"""The options resolved: one frozen value that the whole run reads."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, TypeVar

import pytest

from pytest_concurrent import database_options, options, values, worker_options
from pytest_concurrent.options import Option
from pytest_concurrent.sources import VETO, Candidate, Sources
from pytest_concurrent.values import Shard

__all__ = ["Settings", "Shard", "resolve"]

Value = TypeVar("Value")

# What only looks at the suite runs as if we were not there.
_INSPECTIONS = {
    "collectonly": "--collect-only",
    "setupplan": "--setup-plan",
    "showfixtures": "--fixtures",
    "show_fixtures_per_test": "--fixtures-per-test",
    "markers": "--markers",
    "cacheshow": "--cache-show",
    "version": "--version",
    "help": "--help",
}
# Rows of files of their own.
_ROWS = (*worker_options.OPTIONS, *database_options.OPTIONS)
_DEBUGGERS = {"usepdb": "--pdb", "trace": "--trace"}


@dataclass(frozen=True)
class Settings:
    """What was asked for, checked. Times are in seconds; None means off.

    Attributes:
        enabled: Whether concurrency is on.
        workers: Number of worker processes; 0 means sequentially, in this process.
        run_timeout: Limit of the whole run.
        test_timeout: Limit of one test.
        slow: A test that runs longer is named.
        worker_timeout: Limit of a worker's silence outside of tests.
        export_timings: JSON file to write this run's timings to.
        import_timings: JSON or JUnit XML file to read timings from.
        export_timings_csv: CSV file to write this run's timings to.
        import_timings_csv: CSV file to read timings from.
        benchmark: Whether to print the benchmark report.
        benchmark_json: File to write that report to.
        start: How workers start: ``auto``, ``fork`` or ``spawn``.
        group: What stays together: ``auto``, ``test``, ``class``, ``file`` or ``mark``.
        max_worker_restarts: Replaced workers before the run ends; None is 4 for each worker.
        max_retries: How often in a row a worker that cannot be had is tried again.
        retry_delay: Seconds before the first of these retries.
        scale: Whether the number of workers moves with the load.
        min_workers: Its lower bound, and that of ``auto`` where somebody gave it.
        max_workers: Its upper bound, and that of ``auto`` where somebody gave it.
        recycle_after: Tests after which a worker makes room for a fresh one.
        memory_limit: Bytes of its own beyond which it does.
        keep_children: Patterns of command lines of processes that may outlive the run.
        preload: Modules to import before the fork.
        shard: The part of the suite to run.
        events: File to write the events to, as JSON lines.
        doctor: Whether to show how the suite would run, instead of running it.
        short_marks: Whether the marks ``serial`` and ``resource`` are ours.
        gc_tuning: Whether the garbage collector is tuned for collection and fork.
        db: Where databases come from: ``auto``, ``clone``, ``fresh`` or ``off``.
        db_rebuild: Whether templates are built anew.
        db_cache: Folder that keeps templates as files.
        db_clean: Whether to look for databases of ours instead of running tests.
        db_max_operations: Queries after which a connection is opened anew.
        db_health_interval: Seconds after which a connection is checked before it is used.
        db_keep_templates: Templates of a project that are kept in any case.
        db_keep_days: Days for which further templates are kept unused.
        allow_databases: Names that may be opened although they look like production.
        database: URL for the fixture ``concurrent_database``; empty means none.
        database_setup: ``module:callable`` that fills its template.
        database_inputs: Globs of files that this template depends on.
        warnings: Lines for the header: what was ignored or looks wrong.
        sequential_reason: Why there are no workers although somebody asked for them.
        sources: Where each value came from, by attribute.
    """

    enabled: bool = False
    workers: int | Literal["auto"] = "auto"
    run_timeout: float | None = None
    test_timeout: float | None = None
    slow: float = 30.0
    worker_timeout: float = 300.0
    export_timings: Path | None = None
    import_timings: Path | None = None
    export_timings_csv: Path | None = None
    import_timings_csv: Path | None = None
    benchmark: bool = False
    benchmark_json: Path | None = None
    start: str = "auto"
    group: str = "auto"
    max_worker_restarts: int | None = None
    max_retries: int = 3
    retry_delay: float = 1.0
    scale: bool = False
    min_workers: int = 2
    max_workers: int = 16
    recycle_after: int | None = None
    memory_limit: int | None = None
    keep_children: tuple[str, ...] = ()
    preload: tuple[str, ...] = ()
    shard: Shard | None = None
    events: Path | None = None
    doctor: bool = False
    short_marks: bool = False
    gc_tuning: bool = True
    db: str = "auto"
    db_rebuild: bool = False
    db_cache: Path | None = None
    db_clean: bool = False
    db_max_operations: int = 1000
    db_health_interval: float = 60.0
    db_keep_templates: int = 5
    db_keep_days: int = 14
    allow_databases: tuple[str, ...] = ()
    database: str = ""
    database_setup: str = ""
    database_inputs: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    sequential_reason: str | None = None
    sources: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def works_without_workers(self) -> bool:
        """Whether something was asked for that a plain run does too: timings, shard, reports."""
        return any(
            (
                self.export_timings,
                self.export_timings_csv,
                self.benchmark,
                self.benchmark_json,
                self.events,
                self.shard,
            )
        )

    def source(self, name: str) -> str:
        """Where the value of the attribute `name` came from, in words for people."""
        return self.sources.get(name, "default")


def resolve(config: pytest.Config, environ: Mapping[str, str] = os.environ) -> Settings:
    """Decide every option: command line, environment, ini file, Django settings, default.

    Reads files' names but no file, and imports neither Django nor anything of it.

    Args:
        config: pytest's configuration, in ``pytest_configure`` or later.
        environ: The environment variables.

    Raises:
        pytest.UsageError: Naming every value that is not accepted, where it came from
            and what is. Values from outside the command line count only when
            concurrency is on, and a run that only looks at the suite, or that runs
            under a debugger, never ends this way.
    """
    return _Resolution(config, Sources(config, environ)).settings()


@dataclass(frozen=True)
class _Problem:
    message: str
    typed: bool  # on the command line
    sequential: bool  # matters without workers too


class _Resolution:
    """One pass over the table; keeps what went wrong until it is known whether it counts."""

    def __init__(self, config: pytest.Config, sources: Sources) -> None:
        self._config = config
        self._sources = sources
        self._origins: dict[str, str] = {}
        self._problems: list[_Problem] = []
        self._inspection = _first_set(config, _INSPECTIONS)
        self._debugger = _first_set(config, _DEBUGGERS)

    def settings(self) -> Settings:
        # Whoever asks how a run on workers would go need not ask for the run too.
        wanted = self._value(options.ENABLED) or self._value(options.DOCTOR)
        asked = wanted and not hasattr(self._config, "workerinput")
        vetoed = self._vetoed()
        settings = self._read(enabled=asked and not vetoed and self._inspection is None)
        if settings.enabled:
            self._check_together(settings)
        self._raise_problems(settings.enabled)
        reason = self._sequential_reason(settings, asked, vetoed)
        if settings.enabled and self._debugger and settings.workers == 0:
            # Nobody can end a test that a debugger holds in this very process.
            settings = replace(settings, run_timeout=None, test_timeout=None)
        warnings = tuple(self._warnings(settings))
        return replace(settings, warnings=warnings, sequential_reason=reason)

    def _read(self, *, enabled: bool) -> Settings:
        return Settings(
            enabled=enabled,
            workers=self._value(options.WORKERS),
            run_timeout=self._value(options.RUN_TIMEOUT),
            test_timeout=self._value(options.TEST_TIMEOUT),
            slow=self._value(options.SLOW),
            worker_timeout=self._value(options.WORKER_TIMEOUT),
            export_timings=self._value(options.EXPORT_TIMINGS),
            import_timings=self._value(options.IMPORT_TIMINGS),
            export_timings_csv=self._value(options.EXPORT_TIMINGS_CSV),
            import_timings_csv=self._value(options.IMPORT_TIMINGS_CSV),
            benchmark=self._value(options.BENCHMARK),
            benchmark_json=self._value(options.BENCHMARK_JSON),
            start=self._value(options.START),
            group=self._value(options.GROUP),
            shard=self._value(options.SHARD),
            events=self._value(options.EVENTS),
            doctor=self._value(options.DOCTOR),
            short_marks=self._value(options.SHORT_MARKS),
            gc_tuning=self._value(options.GC_TUNING),
            **{option.field: self._value(option) for option in _ROWS},
            sources=self._origins,
        )

    def _value(self, option: Option[Value]) -> Value:
        for candidate in self._sources.candidates(option):
            if _is_missing(option, candidate):
                continue
            try:
                value = _parsed(option, candidate)
            except ValueError as error:
                self._refuse(option, candidate, error)
                continue
            self._origins[option.field] = candidate.source
            return value
        return option.default

    def _vetoed(self) -> bool:
        candidate = self._sources.veto()
        if candidate is None:
            return False
        try:
            vetoed = not _parsed(options.ENABLED, candidate)
        except ValueError as error:
            self._refuse(options.ENABLED, candidate, error)
            return False
        if vetoed:
            self._origins[options.ENABLED.field] = candidate.source
        return vetoed

    def _refuse(self, option: Option[Any], candidate: Candidate, error: ValueError) -> None:
        reason = f"{error}; " if str(error) else ""
        message = (
            f"{_shown(candidate.text)!r} is not accepted for {_name(option)} "
            f"({candidate.source}): {reason}expected {option.kind.accepts}"
        )
        self._problems.append(_Problem(message, candidate.typed, option.sequential))

    def _check_together(self, settings: Settings) -> None:
        problems = [
            self._sources.django.problem,
            *self._limits_without_workers(settings),
            *self._bounds_of_workers(settings),
        ]
        if not self._debugger and _xdist_distributes(self._config):
            problems.append(
                f"--concurrent ({settings.source('enabled')}) and pytest-xdist's -n or --dist "
                "would both distribute the tests: drop -n and --dist, or drop --concurrent "
                "(--no-concurrent overrides it)"
            )
        self._problems += [_Problem(text, True, True) for text in problems if text]

    def _limits_without_workers(self, settings: Settings) -> Iterator[str]:
        if settings.workers != 0 or self._debugger:
            return
        for option in (options.RUN_TIMEOUT, options.TEST_TIMEOUT):
            if getattr(settings, option.field) is not None:
                yield (
                    f"{option.long} ({settings.source(option.field)}) needs a worker that can "
                    f"be ended, and --workers=0 ({settings.source('workers')}) runs without: "
                    "drop one of them"
                )

    def _bounds_of_workers(self, settings: Settings) -> Iterator[str]:
        least, most = settings.min_workers, settings.max_workers
        given = {"min_workers", "max_workers"} & self._origins.keys()
        if least > most and (settings.scale or len(given) == 2):
            yield (
                f"--concurrent-min-workers={least} ({settings.source('min_workers')}) is more than "
                f"--concurrent-max-workers={most} ({settings.source('max_workers')}): "
                "lower the one or raise the other"
            )

    def _raise_problems(self, enabled: bool) -> None:
        if not self._is_harmless():
            fatal = dict.fromkeys(p.message for p in self._problems if enabled or p.typed)
            if fatal:
                raise pytest.UsageError(*fatal)

    def _is_harmless(self) -> bool:
        return bool(self._inspection or self._debugger)

    def _warnings(self, settings: Settings) -> Iterator[str]:
        yield from dict.fromkeys(
            f"ignored: {problem.message}"
            for problem in self._problems
            if problem.sequential or self._is_harmless()
        )
        if settings.enabled:
            yield from self._limits_out_of_order(settings)
        elif options.ENABLED.field not in self._origins and not self._is_harmless():
            yield from self._options_without_effect()

    def _limits_out_of_order(self, settings: Settings) -> Iterator[str]:
        limits = {
            "test": ("test_timeout", settings.test_timeout),
            "worker": ("worker_timeout", settings.worker_timeout),
            "run": ("run_timeout", settings.run_timeout),
        }
        # Defaults are left out: nobody chose them, so nobody got their order wrong.
        given = {
            name: seconds
            for name, (attribute, seconds) in limits.items()
            if seconds is not None and attribute in self._origins
        }
        if any(low >= high for low, high in pairwise(given.values())):
            listed = ", ".join(f"{name} {seconds:g} s" for name, seconds in given.items())
            yield f"limits out of order, expected test < worker < run: {listed}"

    def _options_without_effect(self) -> Iterator[str]:
        names = [
            option.long
            for option in options.OPTIONS
            if not option.sequential
            and option.field in self._origins
            and self._sources.is_typed(option)
        ]
        if names:
            yield f"without --concurrent this has no effect: {', '.join(names)}"

    def _sequential_reason(self, settings: Settings, asked: bool, vetoed: bool) -> str | None:
        if asked and vetoed:
            return f"{VETO} switches concurrency off"
        if asked and self._inspection:
            return self._inspection
        if settings.enabled and settings.workers == 0:
            return f"0 workers ({settings.source('workers')})"
        return None


def _first_set(config: pytest.Config, names: Mapping[str, str]) -> str | None:
    return next((flag for dest, flag in names.items() if getattr(config.option, dest, None)), None)


def _parsed(option: Option[Value], candidate: Candidate) -> Value:
    if candidate.problem:
        raise ValueError(candidate.problem)
    if not candidate.text:
        raise ValueError("it is empty")
    return option.kind.parse(_anchored(candidate) if option.kind.path else candidate.text)


def _is_missing(option: Option[Any], candidate: Candidate) -> bool:
    if not candidate.may_be_missing or option.kind is not values.INPUT_FILE:
        return False
    return not os.path.exists(_anchored(candidate))


def _anchored(candidate: Candidate) -> str:
    return os.path.join(candidate.base, os.path.expanduser(candidate.text))


def _shown(text: str) -> str:
    """What a message may repeat of a value: it may be a URL that stands in the wrong place."""
    try:
        from pytest_concurrent.security import sanitize_log_output
    except ImportError:  # without the engine nobody knows what is a secret
        return "…"
    return sanitize_log_output(text)[:80]


def _name(option: Option[Any]) -> str:
    return option.ini if option.ini_only else option.long


def _xdist_distributes(config: pytest.Config) -> bool:
    if not config.pluginmanager.hasplugin("xdist"):
        return False
    asked = (getattr(config.option, dest, None) for dest in ("numprocesses", "tx", "distload"))
    return any(asked) or getattr(config.option, "dist", "no") != "no"
