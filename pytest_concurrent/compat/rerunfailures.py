"""pytest-rerunfailures: reruns are counted in the controller, so that they outlive a worker.

It keeps the counts in a small server, one thread of the controller, to which workers connect. It
starts that only beside pytest-xdist; without, a crash was the end of everything anyway.
"""

from __future__ import annotations

import sys
import threading
from typing import Any

import pytest


def start(session: pytest.Session) -> None:
    """In the controller, before workers exist: have crashes and reruns counted for all of them."""
    config = session.config
    module = _loaded(config)
    if module is None:
        return
    config.pluginmanager.register(_Attempts(session), "pytest_concurrent_rerunfailures")
    shaped: Any = config
    if type(shaped.failures_db) is module.StatusDB:
        shaped.failures_db = module.ServerStatusDB()
        hooks = module.XDistHooks()
        hooks.session = session  # which it learns when a session starts, and that is now
        config.pluginmanager.register(hooks)


def prepare(config: pytest.Config) -> None:
    """In a forked worker: ask the controller for counts, and report each attempt."""
    module = _loaded(config)
    if module is None:
        return
    shaped: Any = config
    given = shaped.workerinput
    if "sock_port" in given:
        secrets = [given[name] for name in ("sock_port", "statusdb_token") if name in given]
        shaped.failures_db = module.ClientStatusDB(*secrets)
    # Without the distribution of pytest-xdist it believes that attempts cannot be reported.
    module.works_with_current_xdist = lambda: True


def threads(config: pytest.Config) -> set[threading.Thread]:
    """Threads of its server. They wait for connections, hold no lock, and no worker needs them."""
    if _loaded(config) is None:
        return set()
    return {
        thread
        for thread in threading.enumerate()
        if getattr(getattr(thread, "_target", None), "__module__", "") == "pytest_rerunfailures"
    }


class _Attempts:
    """Tells `--fail-on-flaky`, which looks at the tests, what workers know: how often each ran.

    Args:
        session: The session.
    """

    def __init__(self, session: pytest.Session) -> None:
        self._session = session

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the attempt."""
        attempt, number = getattr(report, "rerun", None), getattr(report, "item_index", None)
        if attempt is not None and number is not None:
            item: Any = self._session.items[number]
            item.execution_count = attempt + 1


def _loaded(config: pytest.Config) -> Any:
    module: Any = sys.modules.get("pytest_rerunfailures")
    return module if hasattr(config, "failures_db") else None
