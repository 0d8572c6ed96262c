from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config

ROOT = Path(__file__).parents[1]


def migrate(url: str, revision: str = "head") -> None:
    """Bring the database at `url` to a revision of the schema."""
    config = Config(ROOT / "alembic.ini")
    # Not as an option: the ini file would read a % in a password as its own.
    config.attributes["url"] = url
    command.upgrade(config, revision)
