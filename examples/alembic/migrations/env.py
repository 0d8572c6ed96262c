from alembic import context
from sqlalchemy import create_engine, pool

from library.models import Base

engine = create_engine(context.config.attributes["url"], poolclass=pool.NullPool)
with engine.connect() as connection:
    # SQLite cannot alter a table: Alembic makes it anew.
    context.configure(connection, target_metadata=Base.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
