"""Private PostgreSQL and MariaDB servers: a free port, a folder of their own, and then nothing.

A server is never anybody else's: it is made from nothing for the tests, and whatever becomes of
the process that asked for it, a warden (`warden.py`) ends the server and removes its folder.
"""

from __future__ import annotations

from .errors import MissingServerError, ServerError
from .mariadb import MariaDbServer
from .postgres import PostgresServer
from .server import Account, Options, Server, discard_molds

__all__ = [
    "Account",
    "MariaDbServer",
    "MissingServerError",
    "Options",
    "PostgresServer",
    "Server",
    "ServerError",
    "discard_molds",
]
