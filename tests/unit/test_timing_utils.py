from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_concurrent import timing_utils
from pytest_concurrent.timing_utils import Timing

FULL: Timing = {
    "duration": 1.25,
    "setup": 0.5,
    "status": "failed",
    "runs": 3,
    "timestamp": 1767225600.123456,
    "worker": "gw1",
}
UNDATED: Timing = {
    "duration": 2.0,
    "setup": 0.0,
    "status": "passed",
    "runs": 1,
    "timestamp": None,
    "worker": None,
}
SECONDS = {"a.py::slow": 3.0, "a.py::fast[x]": 0.25, "b.py::slow": 3.0, "b.py::mid": 1.0}


@pytest.mark.parametrize("name", ["t.json", "t.csv"])
def test_saved_timings_are_loaded_unchanged(tmp_path: Path, name: str) -> None:
    timings = {"a.py::t[x, y]": FULL, "b.py::t": UNDATED}
    assert timing_utils.save_timings(timings, tmp_path / name)
    assert timing_utils.load_timings(str(tmp_path / name)) == timings
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_saved_json_has_a_schema(tmp_path: Path) -> None:
    timing_utils.save_timings({"a.py::t": FULL}, tmp_path / "t.json")
    saved = json.loads((tmp_path / "t.json").read_text())
    assert saved == {"schema": 1, "tests": {"a.py::t": FULL}, "fixtures": {}}


def test_plain_seconds_are_saved(tmp_path: Path) -> None:
    assert timing_utils.save_timings({"a.py::t": 2}, tmp_path / "t.json")
    assert timing_utils.load_timings(tmp_path / "t.json") == {"a.py::t": UNDATED}


def test_provisional_duration_stays_so(tmp_path: Path) -> None:
    provisional: Timing = {**FULL, "provisional": True}
    timing_utils.save_timings({"a.py::t": provisional}, tmp_path / "t.json")
    assert timing_utils.load_timings(tmp_path / "t.json") == {"a.py::t": provisional}


def test_values_that_are_no_timings_are_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bad: dict[str, object] = {
        "negative": -1.0,
        "infinite": math.inf,
        "nan": math.nan,
        "text": "1",
        "nothing": None,
        "empty": {},
        "odd": {"duration": 1, "status": "fine"},
        "big": {"duration": 1, "runs": -1},
    }
    timings = {"good": 1.0, **bad}
    assert timing_utils.save_timings(timings, tmp_path / "t.json")  # type: ignore[type-var]
    assert list(timing_utils.load_timings(tmp_path / "t.json")) == ["good"]
    assert "left out: 8" in caplog.text


def test_unwritable_place_is_false_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    target = tmp_path / "real.json"
    target.write_text("{}")
    (tmp_path / "link.json").symlink_to(target)
    assert not timing_utils.save_timings({"a": 1.0}, tmp_path / "link.json")
    assert "is a symbolic link" in caplog.text
    assert target.read_text() == "{}"
    assert not timing_utils.save_timings({"a": 1.0}, target / "below.json")


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no timing file .*gone\.json"):
        timing_utils.load_timings(tmp_path / "gone.json")


def test_fault_in_a_file_is_located(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text('{"a": 1,\n"b" 2}')
    with pytest.raises(ValueError, match=r"t\.json, line 2, column 5: expected `:`"):
        timing_utils.load_timings(tmp_path / "t.json")


def test_newer_schema_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text('{"schema": 2, "tests": {}}')
    with pytest.raises(ValueError, match="has schema 2, and this release reads schemas up to 1"):
        timing_utils.load_timings(tmp_path / "t.json")


def test_world_writable_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text("{}")
    path.chmod(0o666)
    with pytest.raises(PermissionError, match="chmod o-w"):
        timing_utils.load_timings(path)
    assert not timing_utils.save_timings({"a": 1.0}, path)


def test_file_of_pytest_split_is_read(tmp_path: Path) -> None:
    (tmp_path / ".test_durations").write_text('{"a.py::t": 2.0}')
    assert timing_utils.load_timings(tmp_path / ".test_durations") == {"a.py::t": UNDATED}


@pytest.mark.parametrize("family", ["xunit1", "xunit2"])
def test_junit_file_of_this_pytest_is_read(tmp_path: Path, family: str) -> None:
    (tmp_path / "test_a.py").write_text(
        "import pytest\n"
        "class TestB:\n"
        "    @pytest.mark.parametrize('x', ['<&>'])\n"
        "    def test_c(self, x): pass\n"
        "def test_d(): assert 0\n"
        "@pytest.mark.xfail\n"
        "def test_e(): assert 0\n"
        "def test_f(): pytest.skip()\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += ["--junitxml=junit.xml", "-o", f"junit_family={family}", "--rootdir=."]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    timings = timing_utils.load_timings(tmp_path / "junit.xml")
    names = {nodeid.replace(".py::", ".").replace("::", "."): t for nodeid, t in timings.items()}
    assert {name: timing["status"] for name, timing in names.items()} == {
        "test_a.TestB.test_c[<&>]": "passed",
        "test_a.test_d": "failed",
        "test_a.test_e": "xfailed",
        "test_a.test_f": "skipped",
    }
    assert all("::" in nodeid for nodeid in timings) == (family == "xunit1")
    assert all(timing["timestamp"] for timing in timings.values())


def test_csv_with_two_columns_is_imported(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("note,test_id,duration_seconds\nx,a.py::t,2\n")
    assert timing_utils.import_timings_from_csv(tmp_path / "t.csv") == {"a.py::t": UNDATED}


def test_csv_is_exported_whatever_the_suffix(tmp_path: Path) -> None:
    assert timing_utils.export_timings_to_csv({"a.py::t": FULL}, tmp_path / "t.txt")
    assert (tmp_path / "t.txt").read_text().splitlines() == [
        "test_id,duration_seconds,setup_seconds,status,runs,timestamp,worker",
        "a.py::t,1.25,0.5,failed,3,2026-01-01T00:00:00.123456Z,gw1",
    ]


def test_filter_keeps_a_range_of_durations() -> None:
    assert list(timing_utils.filter_timings(SECONDS, 0.25, 1.0)) == ["a.py::fast[x]", "b.py::mid"]
    assert timing_utils.filter_timings(SECONDS) == SECONDS


@pytest.mark.parametrize(
    ("pattern", "count"),
    [("slow", 2), ("fast[x]", 1), ("a.py::*", 2), ("*::mi?", 1), ("slow*", 0), ("", 4)],
)
def test_filter_takes_a_part_or_a_glob(pattern: str, count: int) -> None:
    assert len(timing_utils.filter_timings(SECONDS, pattern=pattern)) == count


def test_filter_keeps_whole_entries() -> None:
    assert timing_utils.filter_timings({"a": FULL, "b": UNDATED}, min_duration=2) == {"b": UNDATED}


def test_newer_timing_wins_a_merge() -> None:
    newer: Timing = {**FULL, "duration": 9.0, "timestamp": 1767225601.0}
    merged = {"t": newer, "u": UNDATED}
    assert timing_utils.merge_timings({"t": FULL}, {"t": newer, "u": UNDATED}) == merged
    assert timing_utils.merge_timings({"t": newer, "u": UNDATED}, {"t": FULL}) == merged


def test_undated_timing_only_fills_gaps() -> None:
    assert timing_utils.merge_timings({"t": FULL}, {"t": UNDATED}) == {"t": FULL}
    assert timing_utils.merge_timings({"t": UNDATED}, {"t": FULL}) == {"t": FULL}
    assert timing_utils.merge_timings({"t": 1.0}, {"s": 2.0, "t": 3.0}) == {"s": 2.0, "t": 1.0}


def test_slowest_and_fastest_are_pairs() -> None:
    assert timing_utils.get_slowest_tests(SECONDS, 3) == [
        ("a.py::slow", 3.0),
        ("b.py::slow", 3.0),
        ("b.py::mid", 1.0),
    ]
    assert timing_utils.get_fastest_tests(SECONDS, count=1) == [("a.py::fast[x]", 0.25)]
    assert len(timing_utils.get_slowest_tests(dict.fromkeys(map(str, range(20)), 1.0))) == 10
    assert timing_utils.get_fastest_tests(SECONDS, -1) == []


def test_average_is_the_mean_duration() -> None:
    assert timing_utils.get_average_timing({"a": FULL, "b": UNDATED}) == pytest.approx(1.625)
    assert timing_utils.get_average_timing({}) == 0.0


def test_module_works_without_pytest() -> None:
    code = "import sys, pytest_concurrent.timing_utils; sys.exit('_pytest' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


entries = st.builds(
    lambda duration, timestamp: Timing(
        duration=duration, setup=0.0, status="passed", runs=1, timestamp=timestamp, worker=None
    ),
    st.integers(0, 10**9).map(lambda micros: micros / 1e6),
    st.none() | st.integers(0, 2**31).map(float),
)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    a=st.dictionaries(st.sampled_from("stuv"), entries),
    b=st.dictionaries(st.sampled_from("stuv"), entries),
)
def test_merged_dicts_equal_merged_files(
    tmp_path: Path, a: dict[str, Timing], b: dict[str, Timing]
) -> None:
    from pytest_concurrent import _engine

    paths = [tmp_path / "a.json", tmp_path / "b.csv"]
    for timings, path in zip((a, b), paths, strict=True):
        assert timing_utils.save_timings(timings, path)
    tests, refused = _engine.merge_timing_files(paths, tmp_path / "out.json")
    merged = timing_utils.merge_timings(a, b)
    assert timing_utils.load_timings(tmp_path / "out.json") == merged
    assert (tests, refused) == (len(merged), 0)
