"""Where manifests, journals and SQLite's files are kept."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

_NAME = "concurrent-databases"


def state_folder(config: pytest.Config) -> Path:
    """That folder: with pytest's cache, or, where that cannot be written, among temporary files.

    Not below the cache's own folders: ``--cache-clear`` would take from a run that goes on what it
    uses, and from the next what it needs to know to clean up.
    """
    cache: Any = getattr(config, "cache", None)
    if cache is not None:
        with suppress(OSError):
            folder = Path(cache.mkdir("concurrent")).parent.parent / _NAME
            folder.mkdir(exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
    return _among_temporary_files()


def _among_temporary_files() -> Path:
    """A folder that nobody else could have put there."""
    folder = Path(tempfile.gettempdir(), f"pytest-concurrent-{os.getuid()}")
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        found = folder.lstat()
        alone = stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o077
        if not alone or found.st_uid != os.getuid():
            return Path(tempfile.mkdtemp(prefix="pytest-concurrent-"))
    return folder
