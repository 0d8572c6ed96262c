"""Suites with other people's plugins, run sequentially and on workers, in their own environment.

Plugins change every pytest run of the environment that they are installed in, so ours has none of
them: `make` keeps a second one beside it, with the group `compat` of pyproject.toml. In that, too,
no plugin is loaded but those that a test names.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from .modes import Compare, Runner


@pytest.fixture(scope="session")
def plugins_python() -> Path:
    """The interpreter of the environment that has the plugins."""
    python = Path(f"{sys.prefix}-compat") / "bin" / "python"
    if not python.exists():
        missing = f"no {python}: make {python.parent.parent.name}/installed"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return python


@pytest.fixture
def runner(pytester: pytest.Pytester, plugins_python: Path) -> Runner:
    """Runs copies of the suite that the test has written into pytester's folder."""
    return Runner(pytester.path, plugins_python)


@pytest.fixture
def compare(runner: Runner) -> Compare:
    """Run the suite in every mode and assert that all say the same; see `Runner.compare`."""
    return runner.compare
