"""The limits of pytest-timeout hold: by its signal in the test, else by the supervisor."""

from __future__ import annotations

import pytest

from .modes import WORKERS, Compare, Runner

SLEEPING = """
import time
import pytest

def test_long():
    time.sleep(60)

@pytest.mark.timeout(30)
def test_its_own_limit():
    time.sleep(0.5)

def test_quick(): pass
"""


@pytest.mark.parametrize("source", ["option", "ini", "environment"])
def test_signal_ends_the_test_as_in_a_sequential_run(
    pytester: pytest.Pytester, compare: Compare, source: str
) -> None:
    pytester.makepyfile(SLEEPING)
    if source == "ini":
        pytester.makeini("[pytest]\ntimeout = 0.3\n")
    args = ("--timeout=0.3",) if source == "option" else ()
    env = {"PYTEST_TIMEOUT": "0.3"} if source == "environment" else {}
    told = compare(*args, plugins=["timeout"], env=env)
    assert told["forked"].totals == {"failed": 1, "passed": 2}
    for one in told.values():
        assert "Timeout (>0.3s) from pytest-timeout." in one.text


@pytest.mark.parametrize("mode", WORKERS)
@pytest.mark.parametrize("func_only", ["false", "true"])
def test_thread_costs_one_test_and_not_the_run(
    pytester: pytest.Pytester, runner: Runner, mode: str, func_only: str
) -> None:
    pytester.makepyfile(SLEEPING)
    pytester.makeini(f"[pytest]\ntimeout = 0.3\ntimeout_func_only = {func_only}\n")
    told = runner.run(mode, "--timeout-method=thread", plugins=["timeout"])
    assert told.totals == {"failed": 1, "passed": 2}, told.text
    assert "Timeout: passed its limit of 0.3 s during call" in told.text
    assert "in test_long" in told.text


@pytest.mark.parametrize("mode", WORKERS)
def test_thread_counts_set_ups_that_tests_share(
    pytester: pytest.Pytester, runner: Runner, mode: str
) -> None:
    pytester.makepyfile(
        """
        import time
        import pytest

        @pytest.fixture(scope="module")
        def database():
            time.sleep(60)

        def test_first(database): pass
        def test_quick(): pass
        """
    )
    told = runner.run(mode, "--timeout=1", "--timeout-method=thread", plugins=["timeout"])
    assert told.totals == {"failed": 1, "passed": 1}, told.text
    assert "Timeout: passed its limit of 1 s during set-up" in told.text


@pytest.mark.slow
@pytest.mark.parametrize("mode", WORKERS)
def test_test_that_hears_no_signal_is_ended(
    pytester: pytest.Pytester, runner: Runner, mode: str
) -> None:
    pytester.makepyfile(
        """
        import signal, time

        def test_deaf():
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
            time.sleep(60)

        def test_quick(): pass
        """
    )
    told = runner.run(mode, "--timeout=0.3", plugins=["timeout"])
    assert told.totals == {"failed": 1, "passed": 1}, told.text
    assert "Timeout: passed its limit of 5.3 s during call" in told.text


def test_marks_outweigh_settings(pytester: pytest.Pytester, compare: Compare) -> None:
    pytester.makepyfile(
        """
        import time, pytest

        @pytest.mark.timeout(0)
        def test_unlimited(): time.sleep(0.5)

        @pytest.mark.timeout(0.2, method="signal", func_only=True)
        def test_limited(): time.sleep(60)
        """
    )
    told = compare("--timeout=0.3", plugins=["timeout"])
    assert told["forked"].totals == {"failed": 1, "passed": 1}
    assert "Timeout (>0.2s) from pytest-timeout." in told["forked"].text


def test_session_has_its_limit(pytester: pytest.Pytester, compare: Compare) -> None:
    pytester.makepyfile(
        """
        import time, pytest

        @pytest.mark.xdist_group("one")
        @pytest.mark.parametrize("number", range(40))
        def test_number(number): time.sleep(0.1)
        """
    )
    told = compare("--session-timeout=1", plugins=["timeout"], modes=["sequential", "forked"][:1])
    others = [compare("--session-timeout=1", plugins=["timeout"], modes=[one]) for one in WORKERS]
    for one in [told, *others]:
        for run in one.values():
            assert "session-timeout: 1.0 sec exceeded" in run.text
            assert 0 < run.totals["passed"] < 40
