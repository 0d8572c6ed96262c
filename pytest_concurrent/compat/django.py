"""Django's connections before a fork."""

from __future__ import annotations

import sys
from typing import Any


def close_connections() -> None:
    """Close what the controller opened, so that no child inherits it.

    It must be the controller that does: a child that closes an inherited connection ends the
    controller's session on the server.
    """
    database: Any = sys.modules.get("django.db")
    if database is None:
        return
    settings: Any = sys.modules["django.conf"].settings
    if not settings.configured:
        return
    for connection in database.connections.all(initialized_only=True):
        connection.close()
        close_pool = getattr(connection, "close_pool", None)
        if close_pool is not None:
            close_pool()
