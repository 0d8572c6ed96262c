"""`python -m pytest_concurrent report` and `compare` on the files of real runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_concurrent.__main__ import main

EVENTS, BENCHMARK = Path("run.jsonl"), Path("run.json")
ARGS = ("--concurrent", "--workers=2", f"--concurrent-events={EVENTS}")

SUITE = """
import time

import pytest

@pytest.fixture(scope="module")
def shared():
    time.sleep(0.01)

@pytest.mark.parametrize("number", range(6))
def test_number(shared, number):
    assert number != 3
"""

# A plugin that writes what it likes into durations.
NONSENSE = """
import pytest

SECONDS = {"nan": float("nan"), "infinite": float("inf"), "negative": -3.0, "huge": 1e300}

@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    report.duration = SECONDS[item.callspec.params["kind"]]
    return report
"""


@pytest.fixture
def run(pytester: pytest.Pytester) -> Path:
    """The folder of a run that left events and a benchmark report."""
    pytester.makepyfile(SUITE)
    result = pytester.runpytest_subprocess(*ARGS, f"--concurrent-benchmark-json={BENCHMARK}")
    result.assert_outcomes(passed=5, failed=1)
    return pytester.path


def events(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / EVENTS).read_text().splitlines()]


def test_events_give_the_benchmark_again(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(EVENTS), "--benchmark-json", "again.json"]) == 0
    assert (run / "again.json").read_text() == (run / BENCHMARK).read_text()
    assert "Total tests:                   6" in capsys.readouterr().out


def test_a_run_is_not_slower_than_itself(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(EVENTS), str(BENCHMARK)]) == 0
    assert "5 tests compared: 0 slower" in capsys.readouterr().out


def test_a_slower_test_is_named(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    slower = json.loads((run / BENCHMARK).read_text())
    row = next(row for row in slower["tests"] if row["verdict"] == "passed")
    row["duration"] += 2.0
    (run / "slower.json").write_text(json.dumps(slower))
    assert main(["compare", str(EVENTS), "slower.json"]) == 1
    assert f"  {row['test']}: " in capsys.readouterr().out


@pytest.mark.parametrize("content", ["", "{}", "<testsuites/>", '{"event": "run_started"}\nx\n'])
def test_what_is_no_report_is_refused(
    run: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    (run / "other").write_text(content)
    assert main(["report", "other"]) == 2
    assert main(["compare", str(EVENTS), "other"]) == 2
    assert "cannot read other: " in capsys.readouterr().err


def test_nonsense_durations_count_as_nothing(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(NONSENSE)
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("kind", ["nan", "infinite", "negative", "huge"])
        def test_kind(kind): pass
        """
    )
    pytester.runpytest_subprocess(*ARGS).assert_outcomes(passed=4)
    ended = [event for event in events(pytester.path) if event["event"] == "test_finished"]
    assert [event["call"] for event in ended] == [0.0] * 4
    assert main(["report", str(pytester.path / EVENTS)]) == 0
