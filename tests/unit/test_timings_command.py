from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pytest_concurrent import timing_utils
from pytest_concurrent.__main__ import CACHED, main
from pytest_concurrent.timing_utils import Timing

SECONDS = {"a.py::slow": 12.5, "a.py::fast[x]": 0.25, "b.py::mid": 1.0}


@pytest.fixture
def timings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    timing_utils.save_timings(SECONDS, "t.json")
    return Path("t.json")


def dated(nodeid: str, days_ago: float, duration: float = 1.0) -> dict[str, Timing]:
    return {nodeid: {"duration": duration, "timestamp": time.time() - days_ago * 86400}}


def test_show_lists_slowest_first(timings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["timings", "show", str(timings)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "    12.500 s  passed    a.py::slow",
        "     1.000 s  passed    b.py::mid",
        "     0.250 s  passed    a.py::fast[x]",
        "    13.750 s  in 3 tests, 4.583 s on average",
    ]


def test_show_narrows_by_number_and_pattern(
    timings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["timings", "show", str(timings), "--slowest", "1", "--pattern", "fast[x]"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "     0.250 s  passed    a.py::fast[x]",
        "     0.250 s  in 1 test, 0.250 s on average",
    ]
    assert main(["timings", "show", str(timings), "--pattern", "nowhere"]) == 1


@pytest.mark.usefixtures("timings")
def test_show_reads_the_cache_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["timings", "show"]) == 2
    assert capsys.readouterr().err == f"pytest-concurrent: there is no timing file {CACHED}\n"
    timing_utils.save_timings({"cached": 1.0}, CACHED)
    assert main(["timings", "show"]) == 0
    assert "cached" in capsys.readouterr().out


def test_export_follows_suffix_or_format(timings: Path) -> None:
    assert main(["timings", "export", str(timings), "-o", "t.csv"]) == 0
    assert main(["timings", "export", "t.csv", "-o", "back"]) == 0
    assert main(["timings", "export", "back", "-o", "odd.json", "--format", "csv"]) == 0
    assert Path("t.csv").read_bytes() == Path("odd.json").read_bytes()
    assert Path("back").read_bytes() == timings.read_bytes()


@pytest.mark.usefixtures("timings")
def test_merge_takes_the_newest(capsys: pytest.CaptureFixture[str]) -> None:
    timing_utils.save_timings(dated("t", 2, 1.0), "old.json")
    timing_utils.save_timings(dated("t", 1, 2.0) | dated("u", 1), "new.csv")
    Path("split").write_text('{"t": 9, "v": -1, "w": 4}')
    assert main(["timings", "merge", "old.json", "new.csv", "split", "-o", "all.json"]) == 0
    merged = timing_utils.load_timings("all.json")
    assert {nodeid: timing["duration"] for nodeid, timing in merged.items()} == {
        "t": 2.0,
        "u": 1.0,
        "w": 4.0,
    }
    told = capsys.readouterr()
    assert told.out == "all.json: 3 tests\n"
    assert told.err == "pytest-concurrent: left out values that are no timings: 1\n"


def test_merge_keeps_shared_set_ups(timings: Path) -> None:
    cost = {"db": {"duration": 2.0, "runs": 1, "timestamp": 5.0}}
    Path("own.json").write_text(json.dumps({"schema": 1, "tests": {}, "fixtures": cost}))
    assert main(["timings", "merge", str(timings), "own.json", "-o", "all.json"]) == 0
    assert json.loads(Path("all.json").read_text())["fixtures"] == cost


@pytest.mark.usefixtures("timings")
def test_prune_drops_what_is_old(capsys: pytest.CaptureFixture[str]) -> None:
    mixed: dict[str, Timing | float] = {**dated("old", 31), **dated("new", 29), "undated": 1.0}
    timing_utils.save_timings(mixed, "t.json")
    assert main(["timings", "prune", "t.json", "--older-than", "30"]) == 0
    assert list(timing_utils.load_timings("t.json")) == ["new", "undated"]
    assert capsys.readouterr().out == "t.json: dropped 1 test, 2 left\n"


def test_prune_drops_what_is_not_listed(timings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    collected = "a.py::slow\na.py::fast[x]\nc.py::new\n\n3 tests collected in 0.01s\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(collected))
    assert main(["timings", "prune", str(timings), "--missing-from", "-"]) == 0
    assert list(timing_utils.load_timings(timings)) == ["a.py::fast[x]", "a.py::slow"]


def test_empty_list_prunes_nothing(timings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = timings.read_bytes()
    Path("none.txt").write_text("no tests collected\n")
    assert main(["timings", "prune", str(timings), "--missing-from", "none.txt"]) == 2
    assert "none.txt names no test" in capsys.readouterr().err
    assert timings.read_bytes() == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["show", "bad.json"],
        ["show", "."],
        ["export", "bad.json", "-o", "out.json"],
        ["export", "t.json", "-o", "t.json/below"],
        ["merge", "t.json", "gone.json", "-o", "out.json"],
        ["prune", "bad.json", "--older-than", "1"],
        ["prune", "t.json", "--missing-from", "gone.txt"],
    ],
    ids=" ".join,
)
@pytest.mark.usefixtures("timings")
def test_bad_file_is_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.json").write_text("{oops")
    assert main(["timings", *arguments]) == 2
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert told.err.startswith("pytest-concurrent: ")
    assert (Path("bad.json").read_text(), Path("out.json").exists()) == ("{oops", False)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["timings"],
        ["timings", "show", "--slowest", "0"],
        ["timings", "merge", "t.json"],
        ["timings", "prune", "t.json"],
        ["timings", "prune", "t.json", "--older-than", "-1"],
    ],
    ids=" ".join,
)
def test_wrong_command_line_is_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: ")


def test_closed_pipe_ends_quietly(timings: Path) -> None:
    timing_utils.save_timings(dict.fromkeys(map(str, range(20_000)), 1.0), timings)
    command = [sys.executable, "-m", "pytest_concurrent", "timings", "show", str(timings)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as showing:
        assert showing.stdout is not None
        assert showing.stderr is not None
        showing.stdout.readline()
        showing.stdout.close()
        assert showing.stderr.read() == b""
    assert showing.returncode == 0
