"""Every option of pytest-concurrent, one row each.

The table is the source of ``pytest --help``, of ``docs/reference/options.md`` (what
``python -m pytest_concurrent.options`` prints) and of the tests. A row is spelled
``--concurrent-WORD`` on the command line, ``concurrent_WORD`` in the ini file and
``PYTEST_CONCURRENT_OPT_WORD`` in the environment; `Option.short`, `Option.variables`
and `Option.django` hold the further spellings.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from pytest_concurrent import database_options, values, worker_options
from pytest_concurrent.collisions import YieldingNames
from pytest_concurrent.option import Option
from pytest_concurrent.values import Shard

__all__ = ["OPTIONS", "TIMINGS_FILE", "Option", "add_options", "reference"]

# Named in the environment or in the Django settings, this file is read and written,
# so it need not exist before the first run.
TIMINGS_FILE = "TEST_TIMINGS_FILE"


ENABLED: Option[bool] = Option(
    word="enabled",
    field="enabled",
    kind=values.FLAG,
    default=False,
    help="Run the suite on worker processes.",
    shown_default="off",
    names=("--concurrent",),
    off=("--no-concurrent",),
    keys=("concurrent",),
    variables=("DJANGO_ENABLE_CONCURRENT",),
    django=("ENABLED",),
    sequential=True,
)
WORKERS: Option[int | Literal["auto"]] = Option(
    word="workers",
    field="workers",
    kind=values.WORKERS,
    default="auto",
    help="Number of worker processes. auto: what CPUs, memory and the suite allow; "
    "0: run sequentially, without workers.",
    shown_default="auto",
    metavar="N",
    short=("--workers",),
    variables=("DJANGO_TEST_WORKERS",),
    django=("WORKERS",),
)
RUN_TIMEOUT: Option[float | None] = Option(
    word="timeout",
    field="run_timeout",
    kind=values.SECONDS,
    default=None,
    help="Limit of the whole run, measured from before collection.",
    shown_default="none",
    metavar="SEC",
    unit="seconds",
    short=("--timeout",),
    variables=("DJANGO_TEST_RUN_TIMEOUT",),
    django=("RUN_TIMEOUT",),
)
TEST_TIMEOUT: Option[float | None] = Option(
    word="test-timeout",
    field="test_timeout",
    kind=values.SECONDS,
    default=None,
    help="Limit of one test: its own set-up, call and teardown, without the fixtures that it "
    "shares with other tests.",
    shown_default="none",
    metavar="SEC",
    unit="seconds",
    short=("--test-timeout",),
    variables=("DJANGO_TEST_TIMEOUT_PER_TEST",),
    django=("TEST_TIMEOUT",),
)
SLOW: Option[float] = Option(
    word="slow",
    field="slow",
    kind=values.SECONDS,
    default=30.0,
    help="Name a test that runs longer than this; it is never killed for it.",
    shown_default="30",
    metavar="SEC",
    unit="seconds",
)
WORKER_TIMEOUT: Option[float] = Option(
    word="worker-timeout",
    field="worker_timeout",
    kind=values.SECONDS,
    default=300.0,
    help="A worker that finishes nothing for so long beside its tests (its start, the set-up or "
    "teardown of a fixture that tests share, its shutdown) is hung, and replaced.",
    shown_default="300",
    metavar="SEC",
    unit="seconds",
    short=("--worker-timeout",),
    variables=("DJANGO_TEST_TIMEOUT",),
    django=("WORKER_TIMEOUT", "TIMEOUT"),
)
EXPORT_TIMINGS: Option[Path | None] = Option(
    word="export-timings",
    field="export_timings",
    kind=values.OUTPUT_FILE,
    default=None,
    help="Write the timings of this run, merged over what was imported, as JSON.",
    shown_default="none, pytest's cache keeps them",
    metavar="FILE",
    short=("--export-timings",),
    variables=(TIMINGS_FILE,),
    django=("EXPORT_TIMINGS", TIMINGS_FILE),
    sequential=True,
)
IMPORT_TIMINGS: Option[Path | None] = Option(
    word="import-timings",
    field="import_timings",
    kind=values.INPUT_FILE,
    default=None,
    help="Read timings from a JSON or JUnit XML file before the run.",
    shown_default="none, pytest's cache keeps them",
    metavar="FILE",
    short=("--import-timings",),
    variables=(TIMINGS_FILE,),
    django=("IMPORT_TIMINGS", TIMINGS_FILE),
    sequential=True,
)
EXPORT_TIMINGS_CSV: Option[Path | None] = Option(
    word="export-timings-csv",
    field="export_timings_csv",
    kind=values.OUTPUT_FILE,
    default=None,
    help="Write the timings of this run as CSV.",
    shown_default="none",
    metavar="FILE",
    short=("--export-timings-csv",),
    sequential=True,
)
IMPORT_TIMINGS_CSV: Option[Path | None] = Option(
    word="import-timings-csv",
    field="import_timings_csv",
    kind=values.INPUT_FILE,
    default=None,
    help="Read timings from a CSV file before the run.",
    shown_default="none",
    metavar="FILE",
    short=("--import-timings-csv",),
    sequential=True,
)
BENCHMARK: Option[bool] = Option(
    word="benchmark",
    field="benchmark",
    kind=values.FLAG,
    default=False,
    help="Print a report about the speed of the run at its end.",
    shown_default="off",
    short=("--benchmark",),
    variables=("DJANGO_TEST_BENCHMARK",),
    django=("BENCHMARK",),
    sequential=True,
)
BENCHMARK_JSON: Option[Path | None] = Option(
    word="benchmark-json",
    field="benchmark_json",
    kind=values.OUTPUT_FILE,
    default=None,
    help="Write that report as JSON.",
    shown_default="none",
    metavar="FILE",
    sequential=True,
)
START: Option[str] = Option(
    word="start",
    field="start",
    kind=values.one_of("auto", "fork", "spawn"),
    default="auto",
    help="How workers start. fork: from the process that collected; spawn: as processes of "
    "their own, which collect by themselves; auto: fork where it is safe, else spawn.",
    shown_default="auto",
    metavar="HOW",
)
GROUP: Option[str] = Option(
    word="group",
    field="group",
    kind=values.one_of("auto", "test", "class", "file", "mark"),
    default="auto",
    help="What stays together on one worker. auto: tests that share a fixture whose "
    "measured set-up is worth it; test, class, file or mark force one rule.",
    shown_default="auto",
    metavar="RULE",
)
SHARD: Option[Shard | None] = Option(
    word="shard",
    field="shard",
    kind=values.SHARD,
    default=None,
    help="Run the I-th of N parts of the suite, so that N machines share it.",
    shown_default="none, the whole suite",
    metavar="I/N",
    sequential=True,
)
EVENTS: Option[Path | None] = Option(
    word="events",
    field="events",
    kind=values.OUTPUT_FILE,
    default=None,
    help="Write every event of the run as JSON lines.",
    shown_default="none",
    metavar="FILE",
    sequential=True,
)
DOCTOR: Option[bool] = Option(
    word="doctor",
    field="doctor",
    kind=values.FLAG,
    default=False,
    help="Instead of running tests: show how the suite would run and why: workers, start method, "
    "what stands in the way of a fork, plugins, databases. Exit code 1 if something would refuse "
    "or fall back.",
    shown_default="off",
    sequential=True,
)
SHORT_MARKS: Option[bool] = Option(
    word="short-marks",
    field="short_marks",
    kind=values.FLAG,
    default=False,
    help="Let the marks serial and resource mean concurrent_serial and concurrent_resource.",
    shown_default="false",
    ini_only=True,
)
GC_TUNING: Option[bool] = Option(
    word="gc-tuning",
    field="gc_tuning",
    kind=values.FLAG,
    default=True,
    help="Raise the garbage collector's thresholds during collection, and freeze what "
    "was collected before the workers are forked.",
    shown_default="true",
    ini_only=True,
)

OPTIONS: tuple[Option[Any], ...] = (
    ENABLED,
    WORKERS,
    RUN_TIMEOUT,
    TEST_TIMEOUT,
    SLOW,
    WORKER_TIMEOUT,
    EXPORT_TIMINGS,
    IMPORT_TIMINGS,
    EXPORT_TIMINGS_CSV,
    IMPORT_TIMINGS_CSV,
    BENCHMARK,
    BENCHMARK_JSON,
    START,
    GROUP,
    SHARD,
    EVENTS,
    DOCTOR,
    SHORT_MARKS,
    GC_TUNING,
    *worker_options.OPTIONS,
    *database_options.OPTIONS,
)

# pytest 9.2 can take an ini value as it is written; before, it takes strings.
_INI_TYPE: Any = str | int | float | bool if pytest.version_tuple >= (9, 2) else "string"
_GROUP_HELP = (
    "running the suite on worker processes; --concurrent-WORD is also the ini key "
    "concurrent_WORD and the environment variable PYTEST_CONCURRENT_OPT_WORD"
)


def add_options(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Register every option; call it from ``pytest_addoption``.

    A name that another plugin or a conftest claims, before or after, is left to it.
    """
    names = YieldingNames(parser, parser.getgroup("pytest-concurrent", _GROUP_HELP))
    for option in OPTIONS:
        for key in option.ini_keys:
            parser.addini(key, _ini_help(option), type=_INI_TYPE, default=None)
        _add_flags(names, option)
    names.watch()
    pluginmanager.register(names, "pytest_concurrent_names")


def _ini_help(option: Option[Any]) -> str:
    if option.ini_only:
        return f"{option.help} Default: {option.shown_default}."
    return f"The value of {option.long} where the command line gives none"


def _add_flags(names: YieldingNames, option: Option[Any]) -> None:
    text = f"{option.help} Default: {option.shown_default}."
    if option.metavar is not None:
        names.add(option.flags, dest=option.dest, metavar=option.metavar, help=text)
    elif not option.ini_only:
        # No default of ours on the command line: None says that it was not given.
        switch = {"dest": option.dest, "action": "store_true", "default": None}
        names.add((option.long,), help=text, **switch)
        names.postpone(option.short, help=f"Short for {option.long}.", **switch)
        text = f"Overrides {option.long}, wherever it was given."
        names.add(option.off, help=text, **(switch | {"action": "store_false"}))


def reference() -> str:
    """The page ``docs/reference/options.md``, made from the table."""
    return "\n".join([_PREAMBLE, *(line for option in OPTIONS for line in _section(option))])


_PREAMBLE = """\
# Options

<!-- Made from pytest_concurrent/options.py by `python -m pytest_concurrent.options`. -->

Every option can be given in four places; the first that has it wins: the command line, the
environment, the ini file (`pytest.ini`, `pyproject.toml`, `tox.ini`), the Django settings.
There the dictionary may also be called `CONCURRENT_TEST_CONFIG`, and its keys are read in any
case.

- Switches are 1, true, yes or on, and 0, false, no or off, in any case. An empty value outside
  of the command line counts as not given.
- A relative path is relative to the current folder where the command line or the environment
  gives it, to the ini file's folder, and to the root folder where the Django settings give it.
- A value that is not accepted ends pytest with exit code 4 and a message that names the option,
  the place and what is accepted. Outside of the command line values are checked only when
  concurrency is on.
- `DJANGO_ENABLE_CONCURRENT=0` overrules even the command line.
- A short name that another plugin or a `conftest.py` registers is theirs; the long name stays.
- With `TEST_TIMINGS_FILE` one file is read before the run, if it exists, and written after it.
"""


def _section(option: Option[Any]) -> Iterator[str]:
    value = f" {option.metavar}" if option.metavar else ""
    names = [f"`{name}{value}`" for name in option.flags] + [f"`{name}`" for name in option.off]
    yield f"## {', '.join(names) or f'`{option.ini}`'}\n"
    yield f"{option.help}\n"
    yield f"- Accepted: {option.kind.accepts if option.metavar or option.ini_only else 'a switch'}"
    yield f"- Default: {option.shown_default}"
    if option.unit:
        yield f"- Unit: {option.unit}"
    yield f"- Ini: {_code(option.ini_keys)}"
    if option.environment:
        yield f"- Environment: {_code(option.environment)}"
    if option.opposites:
        yield f"- Environment, meaning the contrary: {_code(option.opposites)}"
    if option.django:
        yield f"- Django settings: {_code(_django_names(option))}"
    yield f"- Without workers: {'has its meaning' if option.sequential else 'no effect'}\n"


def _django_names(option: Option[Any]) -> tuple[str, ...]:
    return tuple(
        key if key == TIMINGS_FILE else f"CONCURRENT_TEST['{key}']" for key in option.django
    )


def _code(words: tuple[str, ...]) -> str:
    return ", ".join(f"`{word}`" for word in words)


if __name__ == "__main__":
    sys.stdout.write(reference())
