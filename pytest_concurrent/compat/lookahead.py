"""Who looks at the test that follows.

A common idiom in hooks is ``nextitem is None or nextitem.path != item.path``, which takes a
stand-in for nothing as something. Where somebody could look so, the next test is decided before
this one runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest
    from pluggy import HookImpl

#: Modules whose hooks take `nextitem` and only hand it on, or look at it no earlier than teardown.
_KNOWN = (
    "_pytest.",
    "allure_pytest.",
    "pytest_concurrent.",
    "pytest_cov.",
    "pytest_rerunfailures",
    "pytest_timeout",
)


def onlookers(config: pytest.Config) -> list[HookImpl]:
    """Implementations of hooks that take `nextitem` and that we know nothing about."""
    hooks = (config.hook.pytest_runtest_protocol, config.hook.pytest_runtest_teardown)
    return [
        implementation
        for hook in hooks
        for implementation in hook.get_hookimpls()
        if "nextitem" in implementation.argnames and not _is_known(implementation.function)
    ]


def _is_known(function: Any) -> bool:
    module = getattr(function, "__module__", None) or ""
    return module.startswith(_KNOWN)
