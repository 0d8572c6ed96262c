"""The project passes as it is, one test after another: what concurrent runs have to equal."""

from __future__ import annotations

import pytest

from .engines import Engine
from .projects import Project

UNUSUAL = {
    "tests/test_plain.py::test_skipped": "skipped",
    "tests/test_plain.py::test_expected_to_fail": "xfailed",
}


def test_every_test_has_its_outcome(project: Project, engine: Engine) -> None:
    result = project.run()
    assert result.code == 0, result.output
    assert result.counts == {"passed": 52, "skipped": 1, "xfailed": 1}
    assert {test: result.outcomes[test] for test in UNUSUAL} == UNUSUAL
    # Both ways in which tests are written, as pytest would name them.
    assert result.outcomes["tests/test_cases.py::OrderTests::test_lines"] == "passed"
    assert result.outcomes["tests/test_rows.py::test_each_case_starts_with_no_product[3]"]
    assert engine.server is None or engine.server.list_databases() == []


@pytest.mark.parametrize("engine", ["sqlite-memory"], indirect=True)
@pytest.mark.parametrize(
    ("file", "old", "new", "failing"),
    [
        (
            "catalogue/seeding.py",
            "name.title()",
            "name.upper()",
            "test_categories_of_the_migration",
        ),
        ("catalogue/data/categories.json", '"atlases"', '"globes"', "test_names_are_shown_in"),
        ("catalogue/fixtures/publishers.json", "Tideline", "Tidemark", "test_publishers_of_the"),
        ("catalogue/migrations/0004_view_and_trigger.py", "< 1000", "< 100", "test_view_shows"),
        ("catalogue/views.py", "status=201", "status=200", "test_live_server_writes"),
    ],
)
def test_edit_is_noticed_by_a_test(
    project: Project, file: str, old: str, new: str, failing: str
) -> None:
    project.edit(file, old, new)
    result = project.run("-k", failing)
    assert result.counts == {"failed": 1}, result.output
