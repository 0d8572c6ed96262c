"""Where manifests, journals and SQLite's files are kept."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest


def state_folder(config: pytest.Config) -> Path:
    """That folder: with pytest's cache, or, where there is none, among temporary files."""
    cache: Any = getattr(config, "cache", None)
    if cache is not None:
        with suppress(OSError):
            folder: Path = cache.mkdir("concurrent-databases")
            return folder
    folder = Path(tempfile.gettempdir(), f"pytest-concurrent-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder
