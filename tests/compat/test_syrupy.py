"""Snapshots used by tests of all workers are used; the others are unused, and only those."""

from __future__ import annotations

from pathlib import Path

import pytest

from .modes import WORKERS, Compare, Runner

#: With it beside pytest-xdist, and without.
PRESENCE = [["syrupy", "xdist"], ["syrupy"]]

SUITE = """
import pytest

@pytest.mark.parametrize("number", range(6))
def test_number(snapshot, number):
    assert {"number": number} == snapshot

def test_named(snapshot):
    assert "first" == snapshot(name="first")
    assert "second" == snapshot(name="second")
"""


def snapshots(folder: Path) -> dict[str, str]:
    """Every file below the folders of snapshots."""
    found = sorted(folder.rglob("__snapshots__/**/*"))
    return {str(file.relative_to(folder)): file.read_text() for file in found if file.is_file()}


@pytest.mark.parametrize("plugins", PRESENCE, ids=["xdist", "alone"])
def test_written_snapshots_are_those_of_a_sequential_run(
    pytester: pytest.Pytester, compare: Compare, plugins: list[str]
) -> None:
    pytester.makepyfile(test_snapped=SUITE)
    told = compare("--snapshot-update", plugins=plugins, read=snapshots)
    (text,) = told["forked"].read.values()
    assert text.count("# name:") == 8
    assert "8 snapshots generated" in told["forked"].text


@pytest.mark.parametrize("plugins", PRESENCE, ids=["xdist", "alone"])
def test_unused_snapshots_are_found(
    pytester: pytest.Pytester, runner: Runner, compare: Compare, plugins: list[str]
) -> None:
    pytester.makepyfile(test_snapped=SUITE)
    written = runner.run("sequential", "--snapshot-update", plugins=plugins, read=snapshots)
    folder = pytester.mkdir("__snapshots__")
    (text,) = written.read.values()
    (folder / "test_snapped.ambr").write_text(text.replace("[5]", "[9]"))
    told = compare("--snapshot-details", plugins=plugins, read=snapshots)
    assert told["forked"].totals == {"failed": 1, "passed": 6}
    for one in told.values():
        assert "1 snapshot failed. 7 snapshots passed. 1 snapshot unused." in one.text
        assert "Unused test_number[9]" in one.text


@pytest.mark.parametrize("mode", WORKERS)
def test_dead_worker_makes_no_snapshot_unused(
    pytester: pytest.Pytester, runner: Runner, mode: str
) -> None:
    pytester.makepyfile(test_snapped=SUITE)
    written = runner.run("sequential", "--snapshot-update", plugins=["syrupy"], read=snapshots)
    folder = pytester.mkdir("__snapshots__")
    (text,) = written.read.values()
    (folder / "test_snapped.ambr").write_text(text)
    pytester.makepyfile(test_zz="import os\ndef test_dies(): os.abort()\n")
    told = runner.run(mode, "--snapshot-update", plugins=["syrupy"], read=snapshots)
    assert told.totals["passed"] == 7
    assert list(told.read.values()) == [text]
    assert "unused snapshots are not looked for" in told.text
