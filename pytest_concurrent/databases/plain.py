"""Databases of a run without workers: the same keeper and the same templates, for one process."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from pytest_concurrent.databases.fixtures import PROBLEM
from pytest_concurrent.databases.run import Databases
from pytest_concurrent.exceptions import DatabaseTemplateException


class PlainDatabases:
    """Prepares the databases around pytest's own loop.

    Args:
        databases: Of the run; its keeper is there.
    """

    def __init__(self, databases: Databases) -> None:
        self._databases = databases

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Have templates found or built, and clones dropped when the last test is through."""
        if session.items and not session.config.option.collectonly:
            try:
                self._databases.prepare(session, (1, "no workers"), ahead=1)
            except DatabaseTemplateException as error:
                # The tests that need a database will say so; the others do not care.
                session.config.stash[PROBLEM] = error
        try:
            return (yield)
        finally:
            self._databases.finish()

    def pytest_unconfigure(self) -> None:
        """Let go of the databases of a session that ran nothing."""
        self._databases.finish()
