"""Whether the role of the tests may do what a run does, asked without a run."""

from __future__ import annotations

import os
import tempfile
import uuid
from pathlib import Path

from django.db import connections

from pytest_concurrent.databases.keeper import start_keeper
from pytest_concurrent.django import target


def statement_that_allows(alias: str) -> str:
    """What an administrator has to run so that the role may create databases; empty = it may.

    Args:
        alias: Of Django's settings.

    Raises:
        DatabaseTemplateException: The server cannot be asked.
    """
    connection = connections[alias]
    if connection.vendor == "sqlite":
        return ""  # its databases are files of this process
    resolve = target.postgresql if connection.vendor == "postgresql" else target.mysql
    where = resolve(connection)
    with tempfile.TemporaryDirectory(prefix="pytest-concurrent-") as folder:
        door = start_keeper(Path(folder, "journals"), uuid.uuid4().hex)
        try:
            keeper = door.enter("controller")
            try:
                facts = keeper.request("open", target=where)
            finally:
                keeper.close()
        finally:
            door.close()
            os.waitpid(door.pid, 0)
    return "" if facts.get("may_create", True) else str(facts.get("grant", ""))
