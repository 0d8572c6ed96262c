from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine, select
from sqlalchemy.orm import Session

from library.models import Book, Genre, Reader


def pytest_concurrent_databases(config):
    from pytest_concurrent.databases.specs import TemplateSpec

    url = os.environ.get("LIBRARY_DATABASE", "sqlite://")
    # A migration that is new was not opened when the last template was built: the glob finds it.
    return [TemplateSpec(url, "library.database:migrate", inputs=["migrations/versions/*.py"])]


@pytest.fixture(scope="session")
def engine(concurrent_database) -> Iterator[Engine]:
    """This worker's database, as the migrations left it."""
    engine = create_engine(concurrent_database.url)
    yield engine
    engine.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A transaction that never ends well: the next test finds the database as this one did."""
    with Session(engine) as session:
        yield session
        session.rollback()


@pytest.fixture
def fresh_engine(fresh_database) -> Iterator[Engine]:
    """A database for one test that commits."""
    engine = create_engine(fresh_database.url)
    yield engine
    engine.dispose()


def shelve(session: Session, title: str, genre: str = "novel") -> Book:
    found = session.scalars(select(Genre).where(Genre.name == genre)).one()
    book = Book(title=title, author="Anonymous", genre=found)
    session.add(book)
    session.flush()
    return book


def register(session: Session, name: str = "Ada") -> Reader:
    reader = Reader(name=name, cents_owed=0)
    session.add(reader)
    session.flush()
    return reader
