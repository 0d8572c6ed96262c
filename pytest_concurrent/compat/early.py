"""What is watched from the moment this plugin is loaded until workers are forked."""

from __future__ import annotations

from pytest_concurrent.compat import envwatch, seeds


def watch() -> None:
    """Watch random generators and the variables of pytest-xdist."""
    seeds.watch()
    envwatch.watch()


def unwatch() -> None:
    """Put back what was watched."""
    seeds.unwatch()
    envwatch.unwatch()
