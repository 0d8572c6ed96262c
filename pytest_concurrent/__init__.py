"""Run a pytest or Django suite on every core, safely and fast.

A started worker imports this before pytest marks it for rewriting, which would be a warning, and an
error where warnings are: PYTEST_DONT_REWRITE. Nothing is asserted here.
"""

from __future__ import annotations

from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_concurrent.exceptions import (
        ConcurrentTestException,
        ConfigurationException,
        DatabaseCloneException,
        DatabaseTemplateException,
        PermissionException,
        ResourceException,
        SecurityException,
        TestTimeoutException,
        UnsupportedDatabase,
        WorkerRetryException,
        WorkerTimeout,
    )
    from pytest_concurrent.security import (
        check_system_resources,
        get_safe_worker_count,
        sanitize_log_output,
        security_context,
        validate_environment,
    )

__all__ = [
    "ConcurrentTestException",
    "ConfigurationException",
    "DatabaseCloneException",
    "DatabaseTemplateException",
    "PermissionException",
    "ResourceException",
    "SecurityException",
    "TestTimeoutException",
    "UnsupportedDatabase",
    "WorkerRetryException",
    "WorkerTimeout",
    "__version__",
    "check_system_resources",
    "get_safe_worker_count",
    "sanitize_log_output",
    "security_context",
    "validate_environment",
]

#: Where the functions are; the exceptions are in `exceptions`.
_SECURITY = frozenset(name for name in __all__ if name[0].islower())


def __getattr__(name: str) -> Any:
    # pytest imports this package to load the plugin: what a run does not need is not imported, and
    # reading the version costs a look into the file system.
    if name == "__version__":
        return metadata.version("pytest-concurrent-engine")
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    room = "security" if name in _SECURITY else "exceptions"
    return getattr(import_module(f"pytest_concurrent.{room}"), name)
