from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest


@pytest.fixture(scope="session")
def worker_connection(concurrent_database) -> Iterator[psycopg.Connection]:
    """One connection for all tests of this worker, to its own database."""
    with psycopg.connect(**concurrent_database.params) as connection:
        yield connection


@pytest.fixture
def connection(worker_connection) -> Iterator[psycopg.Connection]:
    """A transaction that is rolled back."""
    with worker_connection.transaction(force_rollback=True):
        yield worker_connection
