"""A pytest plugin that wants to know of workers, as xdist shows them: reports then name theirs."""

from __future__ import annotations


def pytest_testnodeready(node: object) -> None:
    """Listen, and do nothing."""
