"""The benchmark programs about real suites: what they translate, compare and keep."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import coverage_totals  # noqa: E402
import real_suites  # noqa: E402
import xdist_acceptance  # noqa: E402
import xdist_words  # noqa: E402
from measuring import trials  # noqa: E402

sys.path.remove(str(BENCHMARKS))

TWO = "--concurrent --workers=2 -p xdist_listener"


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("-n2 test_a.py", f"{TWO} test_a.py"),
        ("-n 2 -v", f"{TWO} -v"),
        ("-n0", "--concurrent --workers=0"),
        ("-d --tx=popen --tx=popen -v", f"-v {TWO}"),
        ("--tx 2*popen", TWO),
        ("-n2 --dist=loadscope", f"{TWO} --concurrent-group=class"),
        ("-n2 --dist loadgroup", f"{TWO} --concurrent-group=mark"),
        ("-n2 --dist=worksteal", TWO),
        ("-n2 --max-worker-restart=1", f"{TWO} --concurrent-max-worker-restarts=1"),
        ("-v test_a.py", "-v test_a.py"),
    ],
)
def test_words_of_xdist_are_translated(theirs: str, ours: str) -> None:
    assert xdist_words.translated(theirs.split()) == ours.split()


def test_every_case_is_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    junit = tmp_path / "cases.xml"
    name = 'classname="testing.acceptance_test{}" name="{}"'
    junit.write_text(
        f"<s><testcase {name.format('', 'test_fine')}/>"
        f"<testcase {name.format('.TestA', 'test_other')}><failure/></testcase>"
        f"<testcase {name.format('.TestA', 'test_said')}><failure/></testcase>"
        f"<testcase {name.format('.TestB', 'test_mended')}/></s>"
    )
    said = {"TestA::test_said": "because", "TestB::*": "once"}
    monkeypatch.setattr(xdist_acceptance, "DIFFERENCES", said)
    forked = {"TestA::test_other": "threads"}
    monkeypatch.setattr(xdist_acceptance, "ON_ONE", {"fork": forked, "spawn": {}})
    found = xdist_acceptance.outcomes(junit)
    mended = "passes, although it is said to differ: TestB::test_mended"
    assert list(xdist_acceptance.surprises(found, "fork")) == [mended]
    assert list(xdist_acceptance.surprises(found, "spawn")) == ["fails: TestA::test_other", mended]

    page = xdist_acceptance.page({"fork": found, "spawn": {**found, "TestA::test_other": "passed"}})
    assert "With fork 2 of 4 cases pass; with spawn 3 of 4 cases pass." in page
    assert "| `TestA::test_other` | differs | passed | threads |" in page
    assert "| `TestA::test_said` | differs | differs | because |" in page


def report(path: Path, lines: list[int], branches: list[list[int]]) -> Path:
    file = {"executed_lines": lines, "executed_branches": branches}
    totals = {"percent_covered": 50.0, "num_statements": 1_234}
    path.write_text(json.dumps({"files": {"a.py": file}, "totals": totals}))
    return path


def test_every_line_and_branch_counts(tmp_path: Path) -> None:
    first = coverage_totals.read(report(tmp_path / "1.json", [1, 2], [[1, 2]]))
    second = coverage_totals.read(report(tmp_path / "2.json", [1, 3], [[1, 2]]))
    third = coverage_totals.read(report(tmp_path / "3.json", [1, 2], [[1, 3]]))
    assert coverage_totals.differences(first, first) == []
    assert coverage_totals.differences(first, second) == [
        "a.py: executed_lines only in the first [2], in the second [3]"
    ]
    assert "executed_branches" in coverage_totals.differences(first, third)[0]
    assert first.total == "50.00 % of 1,234"


def test_trials_become_a_table_with_a_row_for_each_suite() -> None:
    kept = [
        trials.Trial("click", "click==8", "fork", 2, 100, 0),
        trials.Trial("click", "click==8", "fork", 8, 100, 3),
        trials.Trial("click", "click==8", "fork", 2, 100, 0, "90.00 % of 10"),
        trials.Trial("flask", "flask==3", "fork", 2, 50, 0),
    ]
    rows = [line for line in trials.table(kept) if line.startswith("| ")]
    assert rows[1:] == [
        "| click==8 | 100 | alike | **3 differ** | alike: 90.00 % of 10 |",
        "| flask==3 | 50 | alike | - | - |",
    ]


@pytest.mark.parametrize("suite", real_suites.SHIPPED.values(), ids=lambda suite: suite.name)
def test_shipped_suite_is_pinned(suite: real_suites.RealSuite) -> None:
    requirements = (BENCHMARKS / "suites" / f"{suite.name}.txt").read_text().split()
    assert all("==" in line for line in requirements)
    assert suite.source in [line.replace("[socks]", "") for line in requirements] or any(
        line.startswith(f"{suite.name}[") for line in requirements
    )
