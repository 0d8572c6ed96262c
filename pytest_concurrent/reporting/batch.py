"""Fewer writes to the terminal while thousands of results are replayed."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest


class BatchedFile:
    """Gathers what is written to a file until `release`.

    pytest flushes after each letter of its progress. Results come here in batches, and one write
    for a batch shows the same: 10,000 letters cost 0.6 s one by one.

    Args:
        file: Where it goes in the end.
    """

    def __init__(self, file: Any) -> None:
        self._file = file
        self._texts: list[str] = []

    def write(self, text: str) -> int:
        """Remember the text."""
        self._texts.append(text)
        return len(text)

    def flush(self) -> None:
        """Nothing: `release` flushes."""

    def release(self) -> None:
        """Write and flush what was gathered."""
        if self._texts:
            text = "".join(self._texts)
            self._texts.clear()
            self._file.write(text)
            self._file.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@contextmanager
def batched(config: pytest.Config) -> Generator[BatchedFile | None]:
    """While inside, pytest's terminal writer and `sys.stdout` gather what they are given.

    Both are put back, and everything is written, when it ends. Yields None when there is no
    terminal, or when it is not where `sys.stdout` goes: then the order of what both write could
    change.
    """
    reporter: Any = config.pluginmanager.getplugin("terminalreporter")
    writer: Any = getattr(reporter, "_tw", None)
    if writer is None or getattr(writer, "_file", None) is not sys.stdout:
        yield None
        return
    original = sys.stdout
    batch = BatchedFile(original)
    writer._file = sys.stdout = batch
    try:
        yield batch
    finally:
        writer._file = original
        if sys.stdout is batch:
            sys.stdout = original
        batch.release()
