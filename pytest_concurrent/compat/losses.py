"""What plugins gather where tests run, and lose when a worker dies."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest


class Losses:
    """Warns, at the end, of what died with a worker. A plugin.

    Args:
        config: pytest's configuration.
        text: What is missing now.
        prepare: What is to be done about it, at the first loss.
    """

    def __init__(
        self, config: pytest.Config, text: str, prepare: Callable[[], None] = lambda: None
    ) -> None:
        self._config = config
        self._text = text
        self._prepare = prepare
        self._named: set[str] = set()

    def pytest_testnodedown(self, node: object, error: object | None) -> None:
        """A worker is gone."""
        name = getattr(getattr(node, "gateway", None), "id", "a worker")
        if error is None or name in self._named:
            return
        if not self._named:
            self._prepare()
        self._named.add(name)
        # With -W error warnings are raised, and this is not the place to end a run.
        with suppress(pytest.PytestWarning):
            warning = pytest.PytestWarning(f"worker {name} died: {self._text}")
            self._config.issue_config_time_warning(warning, stacklevel=2)
