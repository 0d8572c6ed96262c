from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_concurrent._engine import History

A, B = "tests/test_a.py::TestA::test_a", "tests/test_b.py::test_b"

RECORDING = f"""
import sys
from pytest_concurrent._engine import History
for n in range(10):
    history = History(sys.argv[1])
    history.record({A!r}, "passed", 1.0, timestamp=float(n))
    history.record(f"{{sys.argv[2]}}::t{{n}}", "passed", 1.0, timestamp=float(n))
    history.save()
"""


def test_second_run_knows_the_first(tmp_path: Path) -> None:
    first = History(tmp_path / "concurrent" / "timings.json")
    first.record(A, "passed", 2.0, setup=0.5, timestamp=10.0, worker="gw0")
    first.record_fixture("session::db", 4.0, 10.0)
    assert first.save() is None
    second = History(tmp_path / "concurrent" / "timings.json")
    assert (len(second), second.warning) == (1, None)
    assert second.estimates([B, A]) == [None, 2.0]
    assert second.fixture_costs(["session::db", "other"]) == [4.0, None]


def test_untypical_run_moves_no_estimate() -> None:
    history = History()
    history.record(A, "passed", 2.0, timestamp=10.0)
    history.record(A, "timeout", 300.0, timestamp=20.0)
    history.record(A, "xpassed", 4.0, timestamp=30.0)
    assert history.estimates([A]) == [2.6]
    assert history.save() is None


def test_dotted_ids_are_resolved(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("test_id,duration_seconds\ntests.test_a.TestA.test_a,3\nx,\n")
    history = History()
    assert history.import_file(tmp_path / "t.csv") == 1
    assert history.estimates([A]) == [None]
    history.resolve([A, B])
    assert history.estimates([A, B]) == [3.0, None]


def test_imported_estimates_stand_apart(tmp_path: Path) -> None:
    History(tmp_path / "cache.json").save()
    (tmp_path / "named.json").write_text(json.dumps({A: 7.0}))
    history = History(tmp_path / "cache.json")
    history.record(B, "passed", 1.0, timestamp=1.0)
    history.import_file(tmp_path / "named.json")
    assert history.estimates([A, B]) == [7.0, 1.0]
    assert history.estimates([A, B], imported_only=True) == [7.0, None]


def test_export_is_this_run_over_the_import(tmp_path: Path) -> None:
    (tmp_path / "named.json").write_text(json.dumps({A: 7.0, "gone": 1.0}))
    history = History()
    history.import_file(tmp_path / "named.json")
    history.record(A, "passed", 17.0, timestamp=1.0)
    history.export(tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text().splitlines()[1:] == [
        "gone,1,0,passed,1,,",
        f"{A},10,0,passed,2,1970-01-01T00:00:01Z,",
    ]
    history.export(tmp_path / "out", "json")
    assert json.loads((tmp_path / "out").read_text())["schema"] == 1


def test_unreadable_cache_is_set_aside(tmp_path: Path) -> None:
    cache = tmp_path / "timings.json"
    cache.write_text("{oops")
    warning = History(cache).warning
    assert warning is not None
    assert warning.startswith("starting without timings: cannot read the timing file")
    assert [path.name for path in tmp_path.iterdir()] == ["timings.json.bad"]


def test_wrong_record_is_refused() -> None:
    with pytest.raises(ValueError, match='"not_run" is no status'):
        History().record(A, "not_run", 1.0, timestamp=1.0)
    with pytest.raises(ValueError, match="-1 is not a duration in seconds"):
        History().record(A, "passed", -1.0, timestamp=1.0)


def test_processes_at_once_lose_nothing(tmp_path: Path) -> None:
    cache = tmp_path / "timings.json"
    command = [sys.executable, "-c", RECORDING, str(cache)]
    runs = [subprocess.Popen([*command, f"run{n}"]) for n in range(3)]
    assert [run.wait(60) for run in runs] == [0, 0, 0]
    tests = json.loads(cache.read_text())["tests"]
    assert (tests[A]["runs"], len(tests)) == (30, 31)
    assert [path.name for path in tmp_path.iterdir()] == ["timings.json"]
