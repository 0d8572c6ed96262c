"""`--stepwise` on workers: where a run stops, and where the next one begins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest


def allowed_failures(config: pytest.Config) -> int | None:
    """After how many failures no further test starts; None when no steps are made."""
    if _plugin(config) is None:
        return None
    return 2 if config.getoption("stepwise_skip") else 1


def store(
    config: pytest.Config,
    items: Sequence[pytest.Item],
    failed: set[int],
    not_run: Iterable[int],
) -> None:
    """Have the next run begin with the first test that did not pass in this one.

    pytest remembers the failure that it heard last. On workers tests end out of order, and the
    next run would skip what failed or waited before that one, as if it had passed.

    Args:
        config: pytest's configuration.
        items: The tests, by number.
        failed: Numbers of those that failed.
        not_run: Numbers of those that did not run.
    """
    plugin = _plugin(config)
    if plugin is None or not failed:
        return
    open_ends = sorted(failed.union(not_run))
    if config.getoption("stepwise_skip") and open_ends[0] in failed:
        del open_ends[0]
    first = items[open_ends[0]] if open_ends else None
    info = getattr(plugin, "cached_info", None)
    if info is None:  # before pytest 8.4
        plugin.lastfailed = first.nodeid if first else None
    else:
        # From pytest 9.2 on ids are objects.
        info.last_failed = getattr(first, "id", first.nodeid) if first else None


def _plugin(config: pytest.Config) -> Any:
    return config.pluginmanager.getplugin("stepwiseplugin")
