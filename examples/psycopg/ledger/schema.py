from __future__ import annotations

from pathlib import Path

import psycopg

SCHEMA = Path(__file__).with_name("schema.sql")


def create(url: str) -> None:
    """Fill an empty database."""
    with psycopg.connect(url) as connection:
        connection.execute(SCHEMA.read_text())
