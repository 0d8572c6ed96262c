"""Concurrent runs of the shop have the outcomes of a sequential one, on every engine."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from .engines import Engine, sqlite
from .projects import Project, Result
from .scene import CONCURRENT, VERDICTS, Small, clones_and_builds, forget, templates

# Tests that commit come between the others; in pytest-django's order they come last.
_MIXED = """
import pytest

@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    items[:] = [item for pair in zip(items, reversed(items)) for item in pair][: len(items)]
"""


@pytest.fixture(scope="session")
def sequential(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Mapping[str, str]]:
    """The outcomes of a sequential run, which are the same on every engine; each is done once."""
    known: dict[tuple[str, ...], Mapping[str, str]] = {}

    def outcomes(*args: str) -> Mapping[str, str]:
        if args not in known:
            path = tmp_path_factory.mktemp("sequential") / "project"
            result = Project(path, sqlite("sqlite-memory").environment).run(*args)
            assert len(result.outcomes) > 10, result.output
            known[args] = result.outcomes
        return known[args]

    return outcomes


@pytest.fixture(autouse=True)
def forgotten(engine: Engine) -> Iterator[None]:
    """Templates outlive runs, and other tests use the server too."""
    yield
    if engine.server is not None:
        forget(engine.server)


def said(result: Result) -> list[str]:
    """What we told about databases."""
    return [
        line
        for line in result.output.splitlines()
        if line.startswith("concurrent: database ") and "template built in" not in line
    ]


def assert_only_templates(engine: Engine, number: int) -> None:
    if engine.server is not None:
        assert clones_and_builds(engine.server) == []
        assert len(engine.server.list_databases()) >= number
        assert len(templates(engine.server)) == len(engine.server.list_databases())


def test_outcomes_are_those_of_a_sequential_run(
    project: Project, engine: Engine, sequential: Callable[..., Mapping[str, str]]
) -> None:
    first = project.run(*CONCURRENT)
    assert (first.code, first.outcomes) == (0, sequential()), first.output
    assert ["is being built" in line for line in said(first)] == [True, True], first.output
    assert_only_templates(engine, 2)
    project.write("conftest.py", _MIXED)
    second = project.run(*CONCURRENT, "--reuse-db")
    assert (second.code, second.outcomes) == (0, sequential()), second.output
    assert ["template found" in line for line in said(second)] == [True, True], second.output
    assert_only_templates(engine, 2)


@pytest.mark.parametrize("engine", ["sqlite-file", "postgresql", "mariadb"], indirect=True)
@pytest.mark.parametrize("how", ["fresh", "clone", "off"])
def test_outcomes_do_not_depend_on_where_databases_come_from(
    project: Project, engine: Engine, sequential: Callable[..., Mapping[str, str]], how: str
) -> None:
    files = ("tests/test_transactional.py", "tests/test_rows.py", "tests/test_aliases.py")
    # Hands off means Django's flushes too, and what comes after one depends on the order.
    workers = ("--concurrent-workers=1",) if how == "off" else ()
    result = project.run(*CONCURRENT, *workers, f"--concurrent-db={how}", *files)
    assert (result.code, result.outcomes) == (0, sequential(*files)), result.output
    assert bool(said(result)) == (how != "off")
    assert_only_templates(engine, 0)


@pytest.mark.parametrize("engine", ["sqlite-memory", "postgresql"], indirect=True)
def test_tables_without_migrations_are_another_template(
    project: Project, engine: Engine, sequential: Callable[..., Mapping[str, str]]
) -> None:
    options = ("--no-migrations", "tests/test_rows.py", "tests/test_cases.py")
    assert project.run(*CONCURRENT, *options[1:]).code == 0
    result = project.run(*CONCURRENT, *options)
    assert result.outcomes == sequential(*options)
    assert "failed" in result.counts
    assert "is being built" in said(result)[0]
    assert_only_templates(engine, 2)


@pytest.fixture
def small(engine: Engine, tmp_path: Path) -> Small:
    return Small(tmp_path / "project", engine)


def started(small: Small, *args: str) -> list[str]:
    """Names of the tests in the order in which one worker began them."""
    events = small.path / "events.jsonl"
    options = ("--concurrent", "--workers=1", f"--concurrent-events={events}", "box/tests")
    assert small.run(*options, *args).counts == VERDICTS
    told = [json.loads(line) for line in events.read_text().splitlines()]
    return [one["test"].partition("::")[2] for one in told if one["event"] == "test_started"]


@pytest.mark.parametrize("engine", ["sqlite-memory"], indirect=True)
def test_what_cannot_wait_goes_first_but_not_before_what_does_not_commit(small: Small) -> None:
    rows = {f"test_rows_of_the_migration[{number}]": 1.0 + 0.1 * number for number in range(6)}
    seconds = {"test_commit[0]": 0.5, "test_commit[1]": 9.0, "test_without_database": 5.0, **rows}
    timings = {f"box/tests/test_box.py::{name}": time for name, time in seconds.items()}
    small.write("timings.json", json.dumps(timings))
    last = ["test_commit[1]", "test_commit[0]"]
    assert started(small, "--import-timings=timings.json", "-p", "no:cacheprovider") == [
        "test_without_database",
        *rows,
        *last,
    ]


@pytest.mark.parametrize("engine", ["sqlite-memory"], indirect=True)
def test_order_of_a_plugin_outranks_timings(small: Small) -> None:
    small.write("conftest.py", _MIXED)
    assert started(small)[:2] == ["test_rows_of_the_migration[0]", "test_without_database"]


everywhere = pytest.mark.parametrize(
    "engine", ["sqlite-memory", "postgresql", "mariadb"], indirect=True
)


@everywhere
def test_created_anew_when_asked_for(small: Small, engine: Engine) -> None:
    before = small.run(*CONCURRENT)
    again = small.run(*CONCURRENT, "--create-db")
    assert (before.counts, again.counts) == (VERDICTS, VERDICTS), again.output
    assert "is being built (it was asked for)" in said(again)[0]


@pytest.mark.parametrize("engine", ["sqlite-memory"], indirect=True)
@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("box/migrations/0002_items.py", "def fill(", "OTHER = 1\n\ndef fill("),
        ("box/seeding.py", "line.strip()", "line.rstrip()"),
        ("box/items.txt", "lamp", "lamp "),
    ],
)
def test_edited_input_rebuilds_and_is_named(small: Small, file: str, old: str, new: str) -> None:
    assert small.run(*CONCURRENT).code == 0
    small.edit(file, old, new)
    edited = small.run(*CONCURRENT)
    assert edited.counts == VERDICTS, edited.output
    assert "is being built" in said(edited)[0]
    assert Path(file).name in said(edited)[0]
    small.edit(file, new, old)
    undone = small.run(*CONCURRENT)
    assert "template found" in said(undone)[0]
    assert undone.counts == VERDICTS


@pytest.mark.parametrize("engine", ["sqlite-memory"], indirect=True)
def test_edited_view_rebuilds_nothing(small: Small) -> None:
    assert small.run(*CONCURRENT).code == 0
    small.edit("box/views.py", "return 1", "return 2")
    small.edit("box/tests/test_box.py", "def test_without_database", "def test_without_any")
    edited = small.run(*CONCURRENT)
    assert "template found" in said(edited)[0]
    assert edited.counts == VERDICTS
