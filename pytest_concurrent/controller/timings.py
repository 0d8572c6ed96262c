"""Which timing files a session reads and writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_concurrent._engine import History
from pytest_concurrent.reporting.terminal import Terminal
from pytest_concurrent.settings import Settings

#: Below pytest's cache folder.
_FOLDER = "concurrent"
_FILE = "timings.json"


class TimingFiles:
    """The history of a session and the files behind it.

    Args:
        config: pytest's configuration.
        settings: Which files the user named.
        terminal: Gets a warning when a file cannot be written.

    Attributes:
        history: What is known, and what this run adds.
        remarks: Lines for the header.
        shard_digest: What the split into shards came from, if there is one.

    Raises:
        pytest.UsageError: A file that the user named cannot be read; it is not touched.
    """

    def __init__(self, config: pytest.Config, settings: Settings, terminal: Terminal) -> None:
        self._settings = settings
        self._terminal = terminal
        self.shard_digest = ""
        self.history = History(_cache_file(config))
        self.remarks: list[str] = [self.history.warning] if self.history.warning else []
        for name in ("import_timings", "import_timings_csv"):
            path: Path | None = getattr(settings, name)
            if path is not None:
                self._import(path, settings.source(name))

    def _import(self, path: Path, source: str) -> None:
        try:
            refused = self.history.import_file(path)
        except (OSError, ValueError) as error:
            raise pytest.UsageError(f"timings cannot be imported ({source}): {error}") from None
        if refused:
            self.remarks.append(f"{path}: {refused} values are no timings and were left out")

    def save(self) -> None:
        """Write the cache and the exports; what cannot be written is said and changes no result."""
        try:
            remark = self.history.save()
            if remark:
                self._terminal.warning(remark)
        except OSError as error:
            self._terminal.warning(f"timings not kept: {error}")
        self._export(self._settings.export_timings, None)
        self._export(self._settings.export_timings_csv, "csv")

    def _export(self, path: Path | None, form: str | None) -> None:
        if path is None:
            return
        try:
            self.history.export(path, "csv" if form == "csv" else None)
        except OSError as error:
            self._terminal.warning(f"timings not exported: {error}")


def _cache_file(config: pytest.Config) -> Path | None:
    cache = getattr(config, "cache", None)
    if cache is None:  # -p no:cacheprovider
        return None
    try:
        return Path(cache.mkdir(_FOLDER)) / _FILE
    except OSError:  # a read-only project: nothing is kept
        return None
