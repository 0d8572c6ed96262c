"""What the doctor says of databases."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_concurrent.databases.capacity import demands
from pytest_concurrent.databases.preparation import FROM_FILE
from pytest_concurrent.databases.survey import Look, Survey
from pytest_concurrent.exceptions import DatabaseTemplateException, SecurityException
from pytest_concurrent.reporting.doctor import Finding, Grade
from pytest_concurrent.reporting.units import counted


def findings(survey: Survey) -> Iterator[Finding]:
    """What was found of each database, and how many connections a run would have.

    Args:
        survey: What is known.
    """
    for look in survey.looks:
        yield _state(look)
        if look.found is not None:
            yield from (Finding("its file", remark, Grade.NOTE) for remark in look.found.remarks)
    yield from (Finding("falls back", reason, Grade.REFUSED) for reason in survey.fallbacks)
    yield from (Finding("settings", remark, Grade.NOTE) for remark in survey.remarks)
    workers = survey.workers[0]
    for demand in demands(survey.found):
        if demand.limit:
            planned = f"{counted(demand.planned(workers), 'connection')} planned"
            taken = f"the server takes {demand.limit}, {demand.used} are in use"
            yield Finding(demand.vendor, f"{planned}; {taken}")
    if not survey.looks and not survey.fallbacks:
        yield Finding("none", "no collected test needs a database")


def refusal(error: DatabaseTemplateException, *, demands_clones: bool) -> Finding:
    """Why there would be no clones at all, and what a run would do.

    Args:
        error: What was raised.
        demands_clones: Whether ``--concurrent-db=clone`` was given.
    """
    if isinstance(error, SecurityException):
        would = "the suite would run sequentially"
    elif demands_clones:
        would = "the run would end at once, as --concurrent-db=clone demands"
    else:
        would = "databases would be set up once per worker"
    return Finding("refused", f"{error}: {would}. {error.hint}", Grade.REFUSED)


def _state(look: Look) -> Finding:
    grade, found = Grade.FINE, look.found
    if found is None:
        grade, text = (Grade.NOTE if look.has_way else Grade.REFUSED), look.problem
    elif found.template is not None:
        text = f"hit: template {found.template}"
    elif found.why == FROM_FILE:
        text = "miss: the template would be loaded from its file"
    else:
        text = f"miss: the template would be built ({found.why})"
    return Finding(look.alias, f"{look.vendor}, {text}", grade)
