"""What is written past pytest's capture is shown, as in a sequential run."""

from __future__ import annotations

import pytest

from .parity import on_workers

SUITE = """
import pytest

@pytest.mark.parametrize("number", range(4))
def test_number(number, capsys):
    print("captured")
    with capsys.disabled():
        print("past", number)

def test_descriptor(capfd):
    with capfd.disabled():
        print("past by descriptor")
"""

CONFTEST = """
import sys

def pytest_runtest_makereport(item, call):
    if call.when == "call":
        print("reported", item.name)

def pytest_runtest_logreport(report):
    if report.when == "call":
        print("heard", report.nodeid.partition("::")[2])
"""


@pytest.mark.parametrize(("workers", "start"), [(1, "fork"), (2, "fork"), (2, "spawn")])
@pytest.mark.parametrize("capture", ["fd", "sys"])
def test_lines_are_shown_once(
    pytester: pytest.Pytester, workers: int, start: str, capture: str
) -> None:
    pytester.makepyfile(SUITE)
    pytester.makeconftest(CONFTEST)
    result = pytester.runpytest_subprocess(f"--capture={capture}", *on_workers(workers, start))
    result.assert_outcomes(passed=5)
    lines = [line.removeprefix("[gw0] ").removeprefix("[gw1] ") for line in result.stdout.lines]
    for number in range(4):
        assert lines.count(f"past {number}") == 1
        assert lines.count(f"reported test_number[{number}]") == 1
        assert result.stdout.str().count(f"heard test_number[{number}]") == 1
    assert lines.count("past by descriptor") == 1
    assert "captured" not in result.stdout.str()


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_stacks_after_a_while_are_shown_at_once(pytester: pytest.Pytester, start: str) -> None:
    """`faulthandler_timeout` is for tests that hang: they come while the test runs."""
    pytester.makepyfile(
        """
        import time

        def test_long():
            time.sleep(0.6)
        """
    )
    result = pytester.runpytest_subprocess("-o", "faulthandler_timeout=0.1", *on_workers(2, start))
    result.assert_outcomes(passed=1)
    result.stderr.fnmatch_lines(["*Timeout (0:00:00.100000)!", "*in test_long"])


def test_stacks_may_end_the_worker(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        "import time\ndef test_long():\n    time.sleep(30)\ndef test_fine(): pass\n"
    )
    asked = ("-o", "faulthandler_timeout=0.2", "-o", "faulthandler_exit_on_timeout=true")
    result = pytester.runpytest_subprocess(*asked, *on_workers(1))
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["worker gw0 died (exit status 1) during call"])
