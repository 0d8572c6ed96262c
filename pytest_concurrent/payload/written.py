"""What was written through the terminal reporter while a test ran, and between which reports."""

from __future__ import annotations

from typing import Any, TypeAlias

import pytest

#: In order; None = the reporter ends its line if one is begun.
Written: TypeAlias = "list[str | None]"
#: Each with the number of reports that came before it.
Placed: TypeAlias = "list[tuple[int, str | None]]"


def write(written: Placed, place: int, config: pytest.Config) -> None:
    """In the controller: write what was written just before this report.

    Args:
        written: Everything that the test wrote.
        place: How many reports came before.
        config: pytest's configuration.
    """
    for found, text in written:
        if found == place:
            reporter: Any = config.pluginmanager.getplugin("terminalreporter")
            if text is None:
                reporter.ensure_newline()
            else:
                reporter._tw.write(text)
