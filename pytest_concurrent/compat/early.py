"""What is watched from the moment this plugin is loaded until workers are forked."""

from __future__ import annotations

import sys

from pytest_concurrent.compat import envwatch, seeds

_path: list[str] = []


def watch() -> None:
    """Watch random generators and the variables of pytest-xdist."""
    _path[:] = sys.path
    seeds.watch()
    envwatch.watch()


def unwatch() -> None:
    """Put back what was watched."""
    seeds.unwatch()
    envwatch.unwatch()


def search_path() -> list[str]:
    """`sys.path` as it was before pytest and conftest files changed it."""
    return _path.copy()
