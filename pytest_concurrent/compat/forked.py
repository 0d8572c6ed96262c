"""What plugins need where workers are forked after they were configured."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_concurrent.compat import (
    allure,
    benchmark,
    cov,
    metadata,
    rerunfailures,
    syrupy,
    timeout,
)

#: Plugins whose `pytest_sessionfinish` gathers what the tests of this process left, although its
#: own code does not name workers.
_FINISH = ("syrupy",)

#: Plugins that count reports where the tests run.
_LISTEN = ("syrupy",)


def start(session: pytest.Session) -> None:
    """In the controller, at the start of a session that is to have workers."""
    config = session.config
    benchmark.start(config)
    cov.start(config)
    rerunfailures.start(session)
    syrupy.start(config)
    timeout.start(config)


def prepare(config: pytest.Config) -> None:
    """In a worker, before its first test."""
    cov.prepare(config)
    rerunfailures.prepare(config)
    allure.prepare(config)
    metadata.prepare(config)


def finishes_here(function: Any) -> bool:
    """Whether this implementation of `pytest_sessionfinish` is made for workers."""
    return (getattr(function, "__module__", None) or "").startswith(_FINISH)


def listens_here(function: Any) -> bool:
    """Whether this implementation hears reports in workers too."""
    return (getattr(function, "__module__", None) or "").startswith(_LISTEN)
