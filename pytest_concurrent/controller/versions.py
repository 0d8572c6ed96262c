"""What runs."""

from __future__ import annotations

import platform
from importlib import metadata

from pytest_concurrent import _engine


def versions() -> dict[str, str]:
    """Versions of Python, pytest and this distribution, by name."""
    return {
        "python": platform.python_version(),
        "pytest": metadata.version("pytest"),
        "pytest-concurrent": _engine.version(),
    }
