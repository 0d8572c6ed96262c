"""What the soak checks after a run: each thing that can be wrong is found."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from random import Random
from signal import SIGKILL, SIGTERM
from typing import Any

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import chaos  # noqa: E402
from soak.aftermath import Aftermath, junit_name, read_totals  # noqa: E402
from soak.family import Family  # noqa: E402
from soak.invariants import violations  # noqa: E402
from soak.monkey import Monkey, Plan  # noqa: E402
from soak.suite import expected_verdict  # noqa: E402

sys.path.remove(str(BENCHMARKS))

PASSES, FAILS, SERIAL = (f"p/test_0.py::test_{word}_0" for word in ("passes", "fails", "serial"))
TESTS = (PASSES, FAILS, SERIAL)


def event(name: str, worker: str = "gw0", **rest: Any) -> dict[str, Any]:
    return {"event": name, "time": 1.0, "worker": worker, **rest}


def started(test: str, worker: str = "gw0") -> dict[str, Any]:
    return event("test_started", worker, test=test)


def finished(test: str, verdict: str = "", worker: str = "gw0") -> dict[str, Any]:
    return event("test_finished", worker, test=test, verdict=verdict or expected_verdict(test))


START = [
    {"event": "run_started", "time": 0.0, "started_at": 0.0},
    event("worker_started", "gw0", pid=100),
    event("worker_started", "gw1", pid=101),
]
MIDDLE = [one for test in TESTS for one in (started(test), finished(test))]
END = [{"event": "run_finished", "time": 2.0, "ending": "completed"}]
CALM = Plan("calm")
JUNIT = {PASSES: ["passed"], FAILS: ["failure"], SERIAL: ["passed"]}


def found(
    middle: list[dict[str, Any]],
    *,
    exit_status: int = 1,
    totals: str = "1 failed, 2 passed",
    junit: dict[str, list[str]] = JUNIT,
    killed: tuple[int, ...] = (),
    plan: Plan = CALM,
    end: list[dict[str, Any]] = END,
    leftovers: tuple[str, ...] = (),
) -> str:
    cases = {junit_name(test): said for test, said in junit.items()}
    terminal = f"={totals} in 1.00s="
    events = [*START, *middle, *end]
    counted: Counter[str] = read_totals(f"{totals} in 1.00s")
    run = Aftermath(exit_status, events, cases, counted, terminal, 1.0, 2.0, list(leftovers))
    monkey = Monkey(plan, Family("mark", 1, Path("nowhere")), 1, Random(1))
    for pid in killed:
        monkey.struck[pid].add(SIGKILL)
    return "\n".join(violations(run, monkey, len(TESTS)))


def death(number: int = SIGKILL, **rest: Any) -> dict[str, Any]:
    return event("worker_died", death={"signaled": int(number)}, **rest)


def test_a_run_without_fault_has_no_violation() -> None:
    assert found(MIDDLE) == ""


def test_a_killed_test_may_crash() -> None:
    def crashed(number: int) -> list[dict[str, Any]]:
        dies = (started(PASSES), death(number, test=PASSES), finished(PASSES, "crashed"))
        return [*MIDDLE[2:], *dies]

    told: dict[str, Any] = {
        "totals": "2 failed, 1 passed",
        "junit": {**JUNIT, PASSES: ["failure"]},
    }
    assert found(crashed(SIGKILL), killed=(100,), **told) == ""
    assert "got no signal" in found(crashed(SIGKILL), **told)
    assert "but got SIGKILL" in found(crashed(SIGTERM), killed=(100,), **told)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"middle": MIDDLE[2:]}, "1 of 3 tests have no verdict"),
        ({"middle": [*MIDDLE, finished(PASSES)]}, "has 2 verdicts"),
        ({"middle": [*MIDDLE[1:], finished(FAILS, "passed")]}, "expected failed"),
        ({"middle": [started(FAILS, "gw1"), *MIDDLE[4:], *MIDDLE[:4]]}, "while others ran"),
        ({"exit_status": 0}, "exit status 0"),
        ({"totals": "1 failed, 1 passed"}, "the terminal counts 1 passed"),
        ({"totals": "1 failed, 2 passed, 1 error"}, "1 errors belong to no test"),
        ({"junit": {**JUNIT, PASSES: ["error"]}}, "JUnit says ['error']"),
        ({"junit": {**JUNIT, PASSES: ["passed", "passed"]}}, "JUnit says"),
        ({"junit": {**JUNIT, "p/test_0.py::test_strange": ["passed"]}}, "JUnit knows"),
        ({"middle": [*MIDDLE, death()], "killed": (100,)}, "1 workers died outside of tests"),
        ({"end": []}, "does not say how the run ended"),
        ({"end": [{**END[0], "ending": "stopped"}]}, "cannot lead to"),
        ({"leftovers": ("process 7",)}, "left behind: process 7"),
        ({"totals": "Traceback (most recent call last)"}, "traceback"),
    ],
)
def test_what_is_wrong_is_found(changes: dict[str, Any], text: str) -> None:
    assert text in found(**{"middle": MIDDLE, **changes})


def test_a_killed_controller_may_lose_verdicts_but_has_none_twice() -> None:
    plan = Plan("controller killed", endings=())
    assert found([*MIDDLE[:2]], plan=plan, exit_status=-9, end=[]) == ""
    twice = found([*MIDDLE, finished(PASSES)], plan=plan, exit_status=-9, end=[])
    assert "has 2 verdicts" in twice


def test_a_violation_ends_the_soak_and_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(chaos, "violations", lambda *_: ["it is broken"])
    assert chaos.main(["--seconds=1", "--tests=50", "--seed=3", str(tmp_path / "out")]) == 1
    assert "it is broken" in capsys.readouterr().out
    kept = tmp_path / "out" / "violation"
    assert (kept / "events.jsonl").exists()
    assert '"seed"' in (kept / "violation.json").read_text()


def test_a_strange_folder_is_not_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "precious").touch()
    assert chaos.main(["--seconds=1", "--tests=50", str(tmp_path)]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert (tmp_path / "precious").exists()
