"""What can go wrong with a server of the tests."""

from __future__ import annotations


class ServerError(Exception):
    """A server did not do what it was told."""


class MissingServerError(ServerError):
    """The machine has no such server.

    Attributes:
        package: What to install, as apt calls it.
    """

    def __init__(self, program: str, package: str) -> None:
        super().__init__(f"{program} was not found: apt-get install {package}")
        self.package = package
