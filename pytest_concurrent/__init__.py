"""Run a pytest or Django suite on every core, safely and fast."""

from __future__ import annotations

from importlib import metadata

from pytest_concurrent.exceptions import (
    ConcurrentTestException,
    ConfigurationException,
    DatabaseTemplateException,
    SecurityException,
    TestTimeoutException,
    WorkerTimeout,
)

__all__ = [
    "ConcurrentTestException",
    "ConfigurationException",
    "DatabaseTemplateException",
    "SecurityException",
    "TestTimeoutException",
    "WorkerTimeout",
    "__version__",
]


def __getattr__(name: str) -> str:
    # Reading the version costs a look into the file system that a test run does not need.
    if name == "__version__":
        return metadata.version("pytest-concurrent-engine")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
