"""syrupy: each worker tells which snapshots its tests used; the controller finds the others."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from pytest_concurrent.compat.losses import Losses


def start(config: pytest.Config) -> None:
    """In the controller, before workers exist: have what workers tell heard."""
    module: Any = sys.modules.get("syrupy")
    listener: Any = getattr(module, "DeferXDist", None)
    if listener is None or not config.pluginmanager.hasplugin("syrupy"):
        return
    if not any(isinstance(plugin, listener) for plugin in config.pluginmanager.get_plugins()):
        # It registers this by itself beside pytest-xdist only.
        config.pluginmanager.register(listener())

    def spare_all() -> None:
        # What the tests of the dead worker used is not known: it must not be taken for unused.
        config.option.disable_unused_snapshots = True

    text = "unused snapshots are not looked for, as nobody knows which ones its tests used"
    config.pluginmanager.register(Losses(config, text, spare_all))
    config.pluginmanager.register(_Locks())


class _Locks:
    """Removes the files by which workers took turns at writing.

    It does so itself where pytest-xdist has workers, and not where it sees none.
    """

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Everything is written."""
        state: Any = getattr(session.config, "_syrupy", None)
        remove = getattr(state, "_cleanup_write_sidecars", None)
        if remove is not None:
            remove()
