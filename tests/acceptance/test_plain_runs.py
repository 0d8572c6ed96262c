"""What this plugin does, and does not do, to a run without workers."""

from __future__ import annotations

import json
import sys

import pytest

from pytest_concurrent.plugin import why_no_engine

TESTS = """
import pytest

@pytest.mark.parametrize("number", range(4))
def test_number(number):
    assert number != 2
"""


def test_conftest_may_import_seed_by_name(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("from random import seed")
    pytester.makepyfile("from conftest import seed\ndef test_seed():\n    seed(1)\n")
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_plain_run_writes_the_reports_asked_for(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TESTS)
    result = pytester.runpytest_subprocess(
        "--benchmark",
        "--concurrent-benchmark-json=benchmark.json",
        "--concurrent-events=events.jsonl",
        "--export-timings=timings.json",
    )
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["*= benchmark =*", "Total tests: *4"])
    summary = json.loads((pytester.path / "benchmark.json").read_text())["summary"]
    assert (summary["total"], summary["passed"], summary["failed"]) == (4, 3, 1)
    lines = (pytester.path / "events.jsonl").read_text().splitlines()
    finished = [json.loads(line) for line in lines if '"test_finished"' in line]
    assert [one["verdict"] for one in finished] == ["passed", "passed", "failed", "passed"]
    timings = json.loads((pytester.path / "timings.json").read_text())
    assert len(timings["tests"]) == 4


def test_plain_run_says_no_more_than_it_can_of_tests_that_share(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture(scope="module")
        def shared():
            yield

        @pytest.mark.parametrize("number", range(3))
        def test_number(shared, number):
            pass
        """
    )
    for args, provisional in [((), [True, False, True]), (("--concurrent",), [False] * 3)]:
        pytester.runpytest_subprocess("--export-timings=timings.json", *args)
        tests = json.loads((pytester.path / "timings.json").read_text())["tests"]
        assert [one.get("provisional", False) for one in tests.values()] == provisional


def test_plain_run_keeps_to_its_shard(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TESTS)
    ran = 0
    for part in (1, 2):
        result = pytester.runpytest_subprocess(f"--concurrent-shard={part}/2")
        outcomes = result.parseoutcomes()
        ran += outcomes.get("passed", 0) + outcomes.get("failed", 0)
        assert outcomes["deselected"] == 2
    assert ran == 4


def test_missing_engine_leaves_pytest_working(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("")
    pytester.makepyfile(
        broken="import sys\nsys.modules['pytest_concurrent._engine'] = None\n",
        test_one="def test_one():\n    pass\n",
    )
    result = pytester.runpytest_subprocess("-p", "broken", "--concurrent", "--workers=2")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["concurrent: sequentially, without workers*install*again*"])


#: What Python has on POSIX systems alone.
POSIX = ("fcntl", "grp", "pty", "pwd", "resource", "termios", "tty")


@pytest.mark.parametrize("more", [(), ("pytest_concurrent._engine",)], ids=["engine", "no engine"])
def test_modules_of_posix_alone_are_not_needed(
    pytester: pytest.Pytester, more: tuple[str, ...]
) -> None:
    pytester.makepyfile(
        without=f"import sys\nsys.modules.update(dict.fromkeys({POSIX + more!r}))\n",
        test_one="def test_one(): pass",
        program="import sys, without, pytest\nsys.exit(pytest.main(sys.argv[1:]))\n",
    )
    pytester.makeconftest("")
    program = pytester.path / "program.py"
    plain = pytester.run(sys.executable, program)
    plain.assert_outcomes(passed=1)
    assert "concurrent:" not in plain.stdout.str()
    asked = pytester.run(sys.executable, program, "--concurrent", "--benchmark")
    asked.assert_outcomes(passed=1)
    lines = [line for line in asked.stdout.lines if line.startswith("concurrent: ")]
    assert len(lines) == 1
    assert "sequentially, without workers and timings: " in lines[0]


def test_another_system_is_not_told_to_install_again(monkeypatch: pytest.MonkeyPatch) -> None:
    error = ImportError("No module named 'fcntl'")
    assert "install" in why_no_engine(error)
    monkeypatch.setattr(sys, "platform", "win32")
    assert why_no_engine(error) == (
        "they need what only Linux has (win32: No module named 'fcntl')"
    )
