"""What the benchmark report says of templates and clones."""

from __future__ import annotations

import json

from pytest_concurrent.reporting.databases import (
    benchmark,
    lines_with_databases,
    summary,
    with_databases,
)

BUILT = {"alias": "default", "vendor": "sqlite", "hit": False, "why": "it is the first"}
REPORT = {
    "templates": [{**BUILT, "seconds": 2.5}, {"alias": "other", "hit": True, "seconds": 0.0}],
    "clone_seconds": [0.004, 0.002, 0.003],
}


def test_hits_and_misses_stand_in_the_column_of_figures() -> None:
    assert list(benchmark(REPORT)) == [
        "Template of default:           miss (it is the first), 2.5 s",
        "Template of other:             hit",
        "Clones:                        3, 3 ms each, 4 ms at most",
    ]


def test_retries_are_counted_by_what_went_wrong() -> None:
    report = {"retries": {"busy": 1, "lost": 3}}
    told = "tried again: in use by others 1 time, connection lost 3 times"
    assert list(benchmark(report)) == [f"Database retries:              {told}"]
    assert list(summary(report)) == [f"concurrent: databases: {told}"]
    document = json.loads(with_databases("{}", report))
    assert document["databases"]["retries"] == report["retries"]


def test_figures_stand_before_the_advice() -> None:
    lines = ["Total tests:  3", "What would make it faster:", "  - less"]
    told = lines_with_databases(lines, {"templates": [{"alias": "other", "hit": True}]})
    assert told == [lines[0], "Template of other:             hit", *lines[1:]]
    assert lines_with_databases(lines[:1], {}) == lines[:1]


def test_run_without_databases_says_nothing_of_them() -> None:
    assert list(benchmark({})) == []
    assert with_databases('{"schema": 1}\n', {}) == '{"schema": 1}\n'


def test_json_gains_what_is_known_of_databases() -> None:
    document = json.loads(with_databases('{"schema": 1}', REPORT))
    assert document["schema"] == 1
    assert document["databases"]["clone_seconds"] == REPORT["clone_seconds"]
    assert document["databases"]["templates"][0]["why"] == "it is the first"


def test_template_that_failed_is_not_told_as_built() -> None:
    assert len(list(summary({"templates": [BUILT]}))) == 1
    assert list(summary({"templates": [{**BUILT, "state": "failed"}]})) == []
