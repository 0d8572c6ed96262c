"""What every test of the project shares: pytester, the marks, a clean environment."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

pytest_plugins = ["pytester"]

# What switches concurrency on, or changes what it prints, must come from the test itself.
_FOREIGN = ("PYTEST_CONCURRENT", "PYTEST_XDIST", "DJANGO_", "TEST_TIMINGS_FILE", "PYTEST_ADDOPTS")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the comparisons be made thoroughly."""
    parser.addoption(
        "--every-start-method",
        action="store_true",
        help="compare runs on spawned workers in every acceptance test, not only in some",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marks of our own suite."""
    config.addinivalue_line("markers", "slow: takes more than a few seconds")
    config.addinivalue_line("markers", "spawned: compares a run on spawned workers as well")


@pytest.fixture(scope="session", autouse=True)
def clean_environment() -> Iterator[None]:
    """The suite means the same wherever it runs."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(_FOREIGN)]:
            patch.delenv(name)
        yield
