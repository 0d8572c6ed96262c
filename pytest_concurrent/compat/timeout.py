"""pytest-timeout: its limits become limits of tests that the supervisor enforces.

Its method `signal` raises in the test, and goes on to do so: the supervisor only ends a test that
does not hear of it. Its method `thread` would end the worker; the supervisor does that better, with
a verdict for the test, and is left to it.
"""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
from typing import Any

import pytest
from _pytest.faulthandler import fault_handler_stderr_fd_key

#: How long a test may take to end after the exception was raised in it: as long as after SIGTERM.
_GRACE = 5.0

_ENDED = "exit status 1"


class Limits:
    """Limits of tests as pytest-timeout has them.

    Args:
        config: pytest's configuration.
    """

    def __init__(self, config: pytest.Config) -> None:
        loaded = hasattr(config, "_env_timeout")
        self._module: Any = sys.modules.get("pytest_timeout") if loaded else None

    def of(self, item: pytest.Item) -> tuple[float, bool] | None:
        """The limit that the supervisor enforces, in seconds, and whether it is the test's own."""
        settings = self._settings(item)
        if settings is None or settings.func_only:
            # How long fixtures may take on top is not said: such a limit is kept in the worker.
            return None
        marked = item.get_closest_marker("timeout") is not None
        return settings.timeout + (0.0 if settings.method == "thread" else _GRACE), marked

    def ended(self, item: pytest.Item, death: str, seconds: float) -> float | None:
        """The limit at which the worker ended itself, if that is why it died."""
        settings = self._settings(item)
        if settings is None or death != _ENDED or settings.method != "thread":
            return None
        limit = float(settings.timeout)
        return limit if seconds >= limit else None

    def _settings(self, item: pytest.Item) -> Any:
        if self._module is None:
            return None
        try:
            settings = self._module._get_item_settings(item)
        except (TypeError, ValueError):  # a mark that it refuses itself when the test runs
            return None
        return settings if settings.timeout is not None and settings.timeout > 0 else None


def start(config: pytest.Config) -> None:
    """Before workers exist: take its timer over in them."""
    if hasattr(config, "_env_timeout"):
        config.pluginmanager.register(_Timer(), "pytest_concurrent_timeout")


class _Timer:
    @pytest.hookimpl(tryfirst=True)
    def pytest_timeout_set_timer(self, item: pytest.Item, settings: Any) -> bool | None:
        """Leave a whole test to the supervisor; limit a function here."""
        if settings.method != "thread" or not hasattr(item.config, "workerinput"):
            return None
        if settings.func_only:
            timer = threading.Timer(settings.timeout, _end, (item.config,))
            timer.daemon = True
            shaped: Any = item
            shaped.cancel_timeout = timer.cancel
            timer.start()
        return True


def _end(config: pytest.Config) -> None:
    # The file is the worker's own, and outlives it.
    file = config.stash.get(fault_handler_stderr_fd_key, None)
    faulthandler.dump_traceback(2 if file is None else file)
    os._exit(1)
