"""State is kept where nobody else can have put anything."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest

from pytest_concurrent.databases.folder import state_folder


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def ours(temporary: Path) -> Path:
    return temporary / f"pytest-concurrent-{os.getuid()}"


def test_state_survives_clearing_the_cache(pytester: pytest.Pytester) -> None:
    config = pytester.parseconfigure()
    marker = state_folder(config) / "journal"
    marker.touch()
    pytester.makepyfile("def test_passes(): pass")
    pytester.runpytest_subprocess("--cache-clear").assert_outcomes(passed=1)
    assert marker.exists()


def test_without_a_cache_the_folder_is_for_nobody_else(
    pytester: pytest.Pytester, temporary: Path
) -> None:
    config = pytester.parseconfigure("-p", "no:cacheprovider")
    folder = state_folder(config)
    assert folder == ours(temporary) == state_folder(config)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("planted", ["link", "file", "open to all"])
def test_planted_folder_is_not_used(
    pytester: pytest.Pytester, temporary: Path, tmp_path: Path, planted: str
) -> None:
    if planted == "link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        ours(temporary).symlink_to(tmp_path / "elsewhere")
    elif planted == "file":
        ours(temporary).touch()
    else:
        ours(temporary).mkdir()
        ours(temporary).chmod(0o777)
    folder = state_folder(pytester.parseconfigure("-p", "no:cacheprovider"))
    assert folder != ours(temporary)
    assert folder.parent == temporary
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
