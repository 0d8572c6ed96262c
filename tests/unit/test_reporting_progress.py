from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytest_concurrent.reporting.progress import PlainProgress
from pytest_concurrent.reporting.terminal import Terminal


class Recorder(Terminal):
    """Keeps the lines instead of writing them."""

    def __init__(self, verbosity: int = 0, *, redraws: bool = False) -> None:
        self._verbosity = verbosity
        self._redraws = redraws
        self.lines: list[str] = []

    @property
    def verbosity(self) -> int:
        return self._verbosity

    @property
    def names_failures(self) -> bool:
        return self._redraws or self._verbosity > 0

    def between_tests(self, line: str, *, word: str = "", **markup: bool) -> None:
        self.lines.append(word + line)


class Suite:
    """Collected tests, and what each slot runs."""

    def __init__(self, names: Sequence[str], estimates: Sequence[float | None] = ()) -> None:
        self.nodeids = [f"test_a.py::test_{name}" for name in names]
        self.estimates = [*estimates] or [None] * len(names)
        self.running: list[tuple[int, int, float]] = []

    def progress(self, terminal: Terminal, *, enabled: bool = True) -> PlainProgress:
        return PlainProgress(
            terminal,
            nodeids=self.nodeids,
            estimates=self.estimates,
            running=lambda: self.running,
            enabled=enabled,
        )


@pytest.fixture
def terminal() -> Recorder:
    return Recorder()


@pytest.fixture
def progress(terminal: Recorder) -> PlainProgress:
    return Suite(["x", "y"]).progress(terminal)


def test_a_failure_is_told_at_once(terminal: Recorder, progress: PlainProgress) -> None:
    progress.test_finished(2, 0, "failed", 1.23)
    assert terminal.lines == ["FAILED test_a.py::test_x gw2 1.2s"]


@pytest.mark.parametrize("verdict", ["passed", "skipped", "xfailed", "xpassed", "not_run"])
def test_a_harmless_verdict_is_not_told(
    terminal: Recorder, progress: PlainProgress, verdict: str
) -> None:
    progress.test_finished(0, 0, verdict, 0.1)
    assert terminal.lines == []


@pytest.mark.parametrize("verdict", ["error", "timeout", "crashed"])
def test_other_bad_verdicts_have_their_word(
    terminal: Recorder, progress: PlainProgress, verdict: str
) -> None:
    progress.test_finished(0, 0, verdict, 61.0)
    assert terminal.lines == [f"{verdict.upper()} test_a.py::test_x gw0 1:01"]


def test_lines_of_another_reporter_are_not_torn() -> None:
    suite, terminal = Suite(["x"]), Recorder(redraws=True)
    progress = suite.progress(terminal)
    progress.test_finished(0, 0, "failed", 1.0)
    assert terminal.lines == []


def test_a_test_without_slot_names_none(terminal: Recorder, progress: PlainProgress) -> None:
    progress.test_finished(None, 1, "error", 0.0)
    assert terminal.lines == ["ERROR test_a.py::test_y"]


def test_verbose_pytest_has_said_it_already() -> None:
    terminal = Recorder(verbosity=1)
    Suite(["x"]).progress(terminal).test_finished(0, 0, "failed", 1.0)
    assert terminal.lines == []


@pytest.mark.parametrize(("verbosity", "enabled"), [(-2, True), (0, False)])
def test_hidden_progress_still_tells_of_interrupts(verbosity: int, enabled: bool) -> None:
    terminal = Recorder(verbosity)
    progress = Suite(["x"]).progress(terminal, enabled=enabled)
    progress.test_finished(0, 0, "failed", 1.0)
    progress.tick(100.0)
    assert terminal.lines == []
    progress.interrupted(2, grace=5.0)
    assert terminal.lines == ["concurrent: interrupted again, ending every worker now"]


def test_the_first_heartbeat_waits_30_seconds(terminal: Recorder) -> None:
    progress = Suite(["a", "b", "c", "d"], [1.0] * 4).progress(terminal)
    progress.test_finished(0, 0, "passed", 1.0)
    progress.tick(29.9)
    assert terminal.lines == []
    progress.tick(30.0)
    progress.tick(30.1)
    assert terminal.lines == ["concurrent: 1 of 4 tests, 30.0s so far, about 1:30 left"]


def test_heartbeats_of_a_long_run_are_rarer(terminal: Recorder) -> None:
    progress = Suite([str(number) for number in range(10)], [1.0] * 10).progress(terminal)
    progress.test_finished(0, 0, "passed", 1.0)
    for now in range(0, 401):
        progress.tick(float(now))
    # A tenth of the work took so long that a tenth of the run is more than 30 s: at 30 s the run
    # is thought to take 300 s, at 300 s 3,000 s, and no gap is longer than 300 s.
    assert [line.split(", ")[1] for line in terminal.lines] == ["30.0s so far", "5:30 so far"]


def test_estimates_weigh_the_rest(terminal: Recorder) -> None:
    progress = Suite(["long", "short"], [75.0, 25.0]).progress(terminal)
    progress.test_finished(0, 0, "failed", 60.0)
    progress.tick(60.0)
    assert terminal.lines[-1] == "concurrent: 1 of 2 tests, 1 failed, 1:00 so far, about 20.0s left"


def test_a_heartbeat_names_overdue_tests(terminal: Recorder) -> None:
    suite = Suite(["usual", "late", "new", "tiny"], [20.0, 3.1, None, 0.001])
    suite.running = [(0, 0, 30.0), (1, 1, 25.0), (2, 2, 30.0), (3, 3, 0.5)]
    suite.progress(terminal).tick(30.0)
    assert terminal.lines == [
        "concurrent: 0 of 4 tests, 30.0s so far",
        "  test_a.py::test_late gw1 running for 25.0s, usually 3.1s",
    ]


def test_a_heartbeat_names_eight_at_most(terminal: Recorder) -> None:
    suite = Suite([str(number) for number in range(10)], [1.0] * 10)
    suite.running = [(slot, slot, 40.0 - slot) for slot in range(10)]
    suite.progress(terminal).tick(40.0)
    assert len(terminal.lines) == 1 + 8 + 1
    assert terminal.lines[1].startswith("  test_a.py::test_0 gw0")
    assert terminal.lines[-1] == "  and 2 more"


def test_slow_tests_are_named_with_their_usual_time(terminal: Recorder) -> None:
    progress = Suite(["x"], [3.0]).progress(terminal)
    progress.slow(0, 0, elapsed=31.0, limit=None)
    progress.slow(0, 0, elapsed=48.0, limit=60.0)
    assert terminal.lines == [
        "SLOW test_a.py::test_x gw0 running for 31.0s, usually 3.0s",
        "SLOW test_a.py::test_x gw0 running for 48.0s, usually 3.0s, limit 1:00",
    ]


def test_limits_of_worker_and_run_are_named(terminal: Recorder, progress: PlainProgress) -> None:
    progress.worker_near_limit(1, "", elapsed=240.0, limit=300.0)
    what = "set-up of module fixture 'db'"
    progress.worker_near_limit(2, what, elapsed=240.0, limit=300.0)
    progress.run_near_limit(elapsed=48.0, limit=60.0)
    assert terminal.lines == [
        "SLOW gw1 starting or tearing down for 4:00, limit 5:00",
        "SLOW gw2 in set-up of module fixture 'db' for 4:00, limit 5:00",
        "SLOW the run has taken 48.0s, limit 1:00",
    ]


def test_a_lost_worker_is_told_with_its_end(terminal: Recorder, progress: PlainProgress) -> None:
    progress.worker_lost("gw1", "exit status 3")
    assert terminal.lines == ["concurrent: gw1 died outside of a test: exit status 3"]


def test_the_first_interrupt_says_what_follows(terminal: Recorder) -> None:
    suite = Suite(["x", "y"])
    suite.running = [(0, 0, 1.0)]
    suite.progress(terminal).interrupted(1, grace=5.0)
    assert terminal.lines == [
        "concurrent: interrupted, no further test starts; 1 running test may take 5 s more "
        "(Ctrl-C again ends them now)"
    ]


def test_nothing_is_foretold_without_estimates(terminal: Recorder) -> None:
    progress = Suite(["a", "b"]).progress(terminal)
    progress.test_finished(0, 0, "passed", 1.0)
    progress.tick(30.0)
    assert terminal.lines == ["concurrent: 1 of 2 tests, 30.0s so far"]
