from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import inspect, select

from library.database import ROOT
from library.models import Base, Genre


def test_migrations_make_what_the_models_say(engine):
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, Base.metadata) == []


def test_rows_of_migrations_are_in_every_clone(session):
    assert len(session.scalars(select(Genre)).all()) == 5


def test_migrations_can_be_undone(fresh_database, fresh_engine):
    config = Config(ROOT / "alembic.ini")
    config.attributes["url"] = fresh_database.url
    command.downgrade(config, "base")
    assert inspect(fresh_engine).get_table_names() == ["alembic_version"]
    command.upgrade(config, "head")
    assert "loan" in inspect(fresh_engine).get_table_names()
