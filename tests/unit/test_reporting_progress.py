from __future__ import annotations

import pytest

from pytest_concurrent.reporting.progress import PlainProgress
from pytest_concurrent.reporting.terminal import Terminal


class Recorder(Terminal):
    """Keeps the lines instead of writing them."""

    def __init__(self, verbosity: int = 0) -> None:
        self._verbosity = verbosity
        self.lines: list[str] = []

    @property
    def verbosity(self) -> int:
        return self._verbosity

    def between_tests(self, line: str, *, word: str = "", **markup: bool) -> None:
        self.lines.append(word + line)


@pytest.fixture
def terminal() -> Recorder:
    return Recorder()


def test_a_failure_is_told_at_once(terminal: Recorder) -> None:
    progress = PlainProgress(terminal, tests=2)
    progress.test_started("gw2", "test_a.py::test_x", None, now=0.0)
    progress.test_finished("gw2", "test_a.py::test_x", "failed", 1.23)
    assert terminal.lines == ["FAILED test_a.py::test_x gw2 1.2s"]


@pytest.mark.parametrize("verdict", ["passed", "skipped", "xfailed", "xpassed", "not_run"])
def test_a_harmless_verdict_is_not_told(terminal: Recorder, verdict: str) -> None:
    PlainProgress(terminal, tests=1).test_finished("gw0", "test_a.py::test_x", verdict, 0.1)
    assert terminal.lines == []


@pytest.mark.parametrize("verdict", ["error", "timeout", "crashed"])
def test_other_bad_verdicts_have_their_word(terminal: Recorder, verdict: str) -> None:
    PlainProgress(terminal, tests=1).test_finished("gw0", "test_a.py::test_x", verdict, 61.0)
    assert terminal.lines == [f"{verdict.upper()} test_a.py::test_x gw0 1:01"]


def test_verbose_pytest_has_said_it_already() -> None:
    terminal = Recorder(verbosity=1)
    PlainProgress(terminal, tests=1).test_finished("gw0", "test_a.py::test_x", "failed", 1.0)
    assert terminal.lines == []


@pytest.mark.parametrize(("verbosity", "enabled"), [(-2, True), (0, False)])
def test_hidden_progress_still_tells_of_interrupts(verbosity: int, enabled: bool) -> None:
    terminal = Recorder(verbosity)
    progress = PlainProgress(terminal, tests=1, enabled=enabled)
    progress.test_finished("gw0", "test_a.py::test_x", "failed", 1.0)
    progress.tick(100.0)
    assert terminal.lines == []
    progress.interrupted(2, grace=5.0)
    assert terminal.lines == ["concurrent: interrupted again, ending every worker now"]


def test_the_first_heartbeat_waits_30_seconds(terminal: Recorder) -> None:
    progress = PlainProgress(terminal, tests=4)
    progress.test_finished("gw0", "test_a.py::test_x", "passed", 1.0)
    progress.tick(29.9)
    assert terminal.lines == []
    progress.tick(30.0)
    progress.tick(30.1)
    assert terminal.lines == ["concurrent: 1 of 4 tests, 30.0s so far, about 1:30 left"]


def test_heartbeats_of_a_long_run_are_rarer(terminal: Recorder) -> None:
    progress = PlainProgress(terminal, tests=10)
    progress.test_finished("gw0", "test_a.py::test_x", "passed", 1.0)
    for now in range(0, 401):
        progress.tick(float(now))
    # A tenth of the work took so long that a tenth of the run is more than 30 s: at 30 s the run
    # is thought to take 300 s, at 300 s 3,000 s, and no gap is longer than 300 s.
    assert [line.split(", ")[1] for line in terminal.lines] == ["30.0s so far", "5:30 so far"]


def test_estimates_weigh_the_rest(terminal: Recorder) -> None:
    progress = PlainProgress(terminal, tests=2, estimate=100.0)
    progress.test_started("gw0", "test_a.py::test_long", 75.0, now=0.0)
    progress.test_finished("gw0", "test_a.py::test_long", "failed", 60.0)
    progress.tick(60.0)
    assert terminal.lines[-1] == "concurrent: 1 of 2 tests, 1 failed, 1:00 so far, about 20.0s left"


def test_a_heartbeat_names_overdue_tests(terminal: Recorder) -> None:
    progress = PlainProgress(terminal, tests=9)
    progress.test_started("gw0", "test_a.py::test_usual", 20.0, now=0.0)
    progress.test_started("gw1", "test_a.py::test_late", 3.1, now=5.0)
    progress.test_started("gw2", "test_a.py::test_new", None, now=0.0)
    progress.test_started("gw3", "test_a.py::test_tiny", 0.001, now=29.5)
    progress.tick(30.0)
    assert terminal.lines == [
        "concurrent: 0 of 9 tests, 30.0s so far",
        "  test_a.py::test_late gw1 running for 25.0s, usually 3.1s",
    ]


def test_a_heartbeat_names_eight_at_most(terminal: Recorder) -> None:
    progress = PlainProgress(terminal, tests=20)
    for slot in range(10):
        progress.test_started(f"gw{slot}", f"test_a.py::test_{slot}", 1.0, now=float(slot))
    progress.tick(40.0)
    assert len(terminal.lines) == 1 + 8 + 1
    assert terminal.lines[1].startswith("  test_a.py::test_0 gw0")
    assert terminal.lines[-1] == "  and 2 more"


def test_slow_tests_are_named_with_their_usual_time(terminal: Recorder) -> None:
    progress = PlainProgress(terminal, tests=2)
    progress.test_started("gw0", "test_a.py::test_x", 3.0, now=1.0)
    progress.slow("gw0", now=32.0)
    progress.test_near_limit("gw0", limit=60.0, now=49.0)
    progress.slow("gw1", now=32.0)
    assert terminal.lines == [
        "SLOW test_a.py::test_x gw0 running for 31.0s, usually 3.0s",
        "SLOW test_a.py::test_x gw0 running for 48.0s, usually 3.0s, limit 1:00",
    ]


def test_limits_of_worker_and_run_are_named(terminal: Recorder) -> None:
    progress = PlainProgress(terminal, tests=2)
    progress.worker_near_limit("gw1", elapsed=240.0, limit=300.0)
    progress.run_near_limit(elapsed=48.0, limit=60.0)
    assert terminal.lines == [
        "SLOW gw1 starting or tearing down for 4:00, limit 5:00",
        "SLOW the run has taken 48.0s, limit 1:00",
    ]


def test_a_lost_worker_is_told_with_its_test(terminal: Recorder) -> None:
    progress = PlainProgress(terminal, tests=2)
    progress.test_started("gw0", "test_a.py::test_x", None, now=0.0)
    progress.worker_lost("gw0", "signal SIGSEGV", "test_a.py::test_x")
    progress.worker_lost("gw1", "exit status 3", None)
    assert terminal.lines == [
        "concurrent: gw0 died while running test_a.py::test_x: signal SIGSEGV",
        "concurrent: gw1 died between tests: exit status 3",
    ]
    assert progress.running(now=1.0) == []


def test_the_first_interrupt_says_what_follows(terminal: Recorder) -> None:
    progress = PlainProgress(terminal, tests=2)
    progress.test_started("gw0", "test_a.py::test_x", None, now=0.0)
    progress.interrupted(1, grace=5.0)
    assert terminal.lines == [
        "concurrent: interrupted, no further test starts; 1 running test may take 5 s more "
        "(Ctrl-C again ends them now)"
    ]


def test_a_late_verdict_keeps_the_next_test(terminal: Recorder) -> None:
    progress = PlainProgress(terminal, tests=2)
    progress.test_started("gw0", "test_a.py::test_first", None, now=0.0)
    progress.test_started("gw0", "test_a.py::test_next", None, now=1.0)
    progress.test_finished("gw0", "test_a.py::test_first", "passed", 1.0)
    assert progress.running(now=2.0) == ["test_a.py::test_next gw0 running for 1.0s"]


def test_running_tests_are_listed_oldest_first(terminal: Recorder) -> None:
    progress = PlainProgress(terminal, tests=2)
    progress.test_started("gw1", "test_a.py::test_young", None, now=2.0)
    progress.test_started("gw0", "test_a.py::test_old", 0.5, now=1.0)
    assert progress.running(now=3.0) == [
        "test_a.py::test_old gw0 running for 2.0s, usually 0.5s",
        "test_a.py::test_young gw1 running for 1.0s",
    ]
