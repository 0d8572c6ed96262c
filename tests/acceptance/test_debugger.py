"""A debugger on a worker has the terminal, and everything else waits for it."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Protocol

import pytest

from pytest_concurrent.timing_utils import load_timings

from .keyboard import PATIENCE, Keyboard
from .parity import Compare, on_workers

STOPS = """
import pytest

def test_stops():
    inside = 41
    breakpoint()
    inside += 1
    assert inside == 42

@pytest.mark.parametrize("number", range(5))
def test_other(number):
    pass
"""

FAILS = """
import pytest

@pytest.mark.parametrize("number", range(3))
def test_fails(number):
    inside = f"value {number}"
    print("printed before", number)
    assert not inside
"""

#: Two tests that reach their breakpoints at the same time.
TOGETHER = """
import pathlib
import time
import pytest

@pytest.mark.parametrize("own, other", [("first", "second"), ("second", "first")])
def test_meets(own, other):
    pathlib.Path(own).touch()
    while not pathlib.Path(other).exists():
        time.sleep(0.01)
    breakpoint()
"""


both_starts = pytest.mark.parametrize("start", ["fork", "spawn"])


def command(workers: int, *options: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        *on_workers(workers),
        *options,
    ]


class Sit(Protocol):
    """Sits down at a terminal and runs the suite."""

    def __call__(self, workers: int, *options: str) -> Keyboard:
        """The suite runs."""


@pytest.fixture
def sit(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Sit:
    """Run the suite at a terminal."""
    monkeypatch.delenv("CI", raising=False)

    def start(workers: int, *options: str) -> Keyboard:
        return Keyboard(command(workers, *options), pytester.path, os.environ)

    return start


@pytest.mark.parametrize(
    ("workers", "start"), [(1, "fork"), (2, "fork"), (4, "fork"), (1, "spawn"), (2, "spawn")]
)
def test_breakpoint_can_be_looked_at(
    pytester: pytest.Pytester, sit: Sit, workers: int, start: str
) -> None:
    pytester.makepyfile(STOPS)
    with sit(workers, f"--concurrent-start={start}") as keyboard:
        keyboard.await_text("PDB set_trace (IO-capturing turned off)")
        keyboard.await_text("(Pdb) ")
        keyboard.ask("p inside", "41")
        keyboard.ask("n", "-> assert inside == 42")
        keyboard.ask("p inside", "42")
        keyboard.type("c\n")
        keyboard.await_text("PDB continue (IO-capturing resumed)")
        assert keyboard.end() == 0
        assert "6 passed" in keyboard.screen


@pytest.mark.parametrize("call", ["pytest.set_trace()", "pdb.set_trace()"])
def test_every_way_to_stop_works(pytester: pytest.Pytester, sit: Sit, call: str) -> None:
    pytester.makepyfile(f"import pdb, pytest\ndef test_stops():\n    {call}\n    here = 1\n")
    with sit(1) as keyboard:
        keyboard.await_text("-> here = 1")
        keyboard.type("c\n")
        assert keyboard.end() == 0


@both_starts
def test_failures_are_looked_at_one_after_another(
    pytester: pytest.Pytester, sit: Sit, start: str
) -> None:
    pytester.makepyfile(FAILS)
    seen = []
    with sit(2, "--pdb", f"--concurrent-start={start}") as keyboard:
        for _ in range(3):
            keyboard.await_text("captured stdout")
            keyboard.await_text("entering PDB")
            keyboard.await_text("(Pdb) ")
            keyboard.type("p inside\n")
            keyboard.await_text("'value ")
            keyboard.await_text("(Pdb) ")
            seen.append(keyboard.screen.rpartition("'value ")[2][0])
            keyboard.type("c\n")
        assert keyboard.end() == 1
        assert sorted(seen) == ["0", "1", "2"]
        assert "3 failed" in keyboard.screen
        # As in a sequential run: what was shown is not shown again.
        assert "= FAILURES =" not in keyboard.screen


@both_starts
def test_quitting_ends_the_session(pytester: pytest.Pytester, sit: Sit, start: str) -> None:
    pytester.makepyfile(TOGETHER)
    with sit(2, f"--concurrent-start={start}") as keyboard:
        keyboard.await_text("(Pdb) ")
        keyboard.type("q\n")
        assert keyboard.end() == 2
        assert "Exit: Quitting debugger" in keyboard.screen
        assert keyboard.screen.count("PDB set_trace") == 1


@both_starts
def test_second_debugger_waits_for_the_first(
    pytester: pytest.Pytester, sit: Sit, start: str
) -> None:
    pytester.makepyfile(TOGETHER)
    with sit(2, f"--concurrent-start={start}") as keyboard:
        for _ in range(2):
            keyboard.await_text("PDB set_trace")
            keyboard.await_text("(Pdb) ")
            assert "PDB set_trace" not in keyboard.screen.rpartition("(Pdb) ")[2]
            keyboard.ask("p own", "'")
            keyboard.type("c\n")
            keyboard.await_text("PDB continue")
        assert keyboard.end() == 0
        assert "2 passed" in keyboard.screen


def test_nothing_is_written_over_the_prompt(pytester: pytest.Pytester, sit: Sit) -> None:
    pytester.makepyfile(
        """
        import pathlib
        import time

        def wait_for(name):
            while not pathlib.Path(name).exists():
                time.sleep(0.01)

        def test_stops():
            wait_for("begun")  # no test begins while a debugger has the terminal
            breakpoint()

        def test_prints():
            pathlib.Path("begun").touch()
            wait_for("go")
            print("printed meanwhile")
            pathlib.Path("gone").touch()
        """
    )
    with sit(2, "-s") as keyboard:
        keyboard.await_text("(Pdb) ")
        (pytester.path / "go").touch()
        until = time.monotonic() + PATIENCE
        while not (pytester.path / "gone").exists():
            assert time.monotonic() < until
            time.sleep(0.01)
        keyboard.ask("p 6 * 7", "42")
        assert "printed meanwhile" not in keyboard.screen
        keyboard.type("c\n")
        keyboard.await_text("] printed meanwhile")
        assert keyboard.end() == 0


@both_starts
def test_ctrl_c_at_the_prompt_is_the_debuggers(
    pytester: pytest.Pytester, sit: Sit, start: str
) -> None:
    pytester.makepyfile(STOPS)
    with sit(2, f"--concurrent-start={start}") as keyboard:
        keyboard.await_text("(Pdb) ")
        keyboard.press_until("\x03", "--KeyboardInterrupt--")
        keyboard.await_text("(Pdb) ")
        keyboard.ask("p inside", "41")
        keyboard.type("c\n")
        assert keyboard.end() == 0
        assert "6 passed" in keyboard.screen


def test_ctrl_z_and_fg_keep_the_prompt(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(STOPS)
    shell = ["bash", "--norc", "--noprofile", "-i"]
    with Keyboard(shell, pytester.path, {**os.environ, "PS1": "shell> "}) as keyboard:
        keyboard.await_text("shell> ")
        keyboard.type(" ".join(command(2)) + "\n")
        keyboard.await_text("(Pdb) ")
        keyboard.type("\x1a")
        keyboard.await_text("Stopped")
        keyboard.await_text("shell> ")
        keyboard.type("fg\n")
        keyboard.await_text("pytest")
        keyboard.ask("p inside", "41")
        keyboard.type("c\n")
        keyboard.await_text("6 passed")
        keyboard.await_text("shell> ")
        keyboard.type("exit\n")
        assert keyboard.end() == 0


def test_breakpoint_set_in_the_debugger_stops_again(pytester: pytest.Pytester, sit: Sit) -> None:
    pytester.makepyfile(STOPS)
    with sit(2) as keyboard:
        keyboard.await_text("(Pdb) ")
        keyboard.ask("b 7", "Breakpoint 1")
        keyboard.ask("c", "-> assert inside == 42")
        keyboard.ask("p inside", "42")
        keyboard.type("c\n")
        assert keyboard.end() == 0


@both_starts
def test_trace_stops_in_each_test(pytester: pytest.Pytester, sit: Sit, start: str) -> None:
    pytester.makepyfile(FAILS.replace("assert not", "assert"))
    with sit(2, "--trace", f"--concurrent-start={start}") as keyboard:
        for _ in range(3):
            keyboard.await_text("PDB runcall")
            keyboard.await_text('-> inside = f"value')
            keyboard.type("c\n")
        assert keyboard.end() == 0
        assert "3 passed" in keyboard.screen


@pytest.mark.skipif(not hasattr(pytest, "Subtests"), reason="this pytest has no subtests")
def test_step_over_the_end_of_a_subtest_stays(pytester: pytest.Pytester, sit: Sit) -> None:
    pytester.makepyfile(
        """
        def test_stops(subtests):
            breakpoint()
            with subtests.test():
                here = 1
            after = 2
            last = 3
        """
    )
    # Without -s a subtest captures what the debugger prints in it, as in a sequential run.
    with sit(1, "-s") as keyboard:
        keyboard.await_text("-> with subtests.test():")
        keyboard.await_text("(Pdb) ")
        for _ in range(3):
            keyboard.ask("n", "-> ")
        keyboard.ask("n", "-> last = 3")
        keyboard.ask("p here + after", "3")
        keyboard.type("c\n")
        assert keyboard.end() == 0
        assert "1 passed" in keyboard.screen


@both_starts
def test_steps_beyond_the_end_of_a_test_go_on_with_the_run(
    pytester: pytest.Pytester, sit: Sit, start: str
) -> None:
    pytester.makepyfile(
        "def test_stops():\n    breakpoint()\n    here = 1\n\ndef test_next(): pass\n"
    )
    with sit(1, f"--concurrent-start={start}") as keyboard:
        keyboard.await_text("-> here = 1")
        keyboard.type("n\n" + "r\n" * 40)
        assert keyboard.end() == 0
        assert "2 passed" in keyboard.screen
        assert keyboard.echoes()


@both_starts
def test_ctrl_c_outside_of_the_prompt_leads_to_it(
    pytester: pytest.Pytester, sit: Sit, start: str
) -> None:
    pytester.makepyfile("import time\ndef test_long():\n    print('begun')\n    time.sleep(60)\n")
    with sit(1, "-s", "--pdb", f"--concurrent-start={start}") as keyboard:
        keyboard.await_text("begun")
        keyboard.type("\x03")
        keyboard.await_text("-> time.sleep(60)")
        keyboard.ask("p 6 * 7", "42")
        keyboard.type("c\n")
        assert keyboard.end() == 2
        assert keyboard.echoes()


def test_breakpoint_met_while_collecting_stops_once(pytester: pytest.Pytester, sit: Sit) -> None:
    pytester.makepyfile("import pytest\nbreakpoint()\npytest.set_trace()\ndef test_one(): pass\n")
    with sit(2, "--pdb", "--concurrent-start=spawn") as keyboard:
        for _ in range(2):
            keyboard.await_text("(Pdb) ")
            keyboard.type("c\n")
        assert keyboard.end() == 0
        assert "1 passed" in keyboard.screen
        assert keyboard.screen.count("PDB set_trace") == 2


def test_own_class_of_debugger_is_used(pytester: pytest.Pytester, sit: Sit) -> None:
    pytester.makepyfile(
        mine="""
        import pdb

        class Mine(pdb.Pdb):
            prompt = "(mine) "

            def do_shout(self, arg):
                self.message(arg.upper())
        """
    )
    pytester.makepyfile(test_it=STOPS)
    with sit(2, "--pdbcls=mine:Mine", "-p", "mine") as keyboard:
        keyboard.await_text("-> inside += 1")
        keyboard.type("shout hello\n")
        keyboard.await_text("HELLO")
        keyboard.type("c\n")
        assert keyboard.end() == 0


def test_limits_stand_still(pytester: pytest.Pytester, sit: Sit) -> None:
    pytester.makepyfile(STOPS)
    with sit(2, "--test-timeout=2", "--concurrent-timeout=4") as keyboard:
        keyboard.await_text("(Pdb) ")
        time.sleep(5)
        keyboard.ask("p inside", "41")
        keyboard.type("c\n")
        assert keyboard.end() == 0
        assert "6 passed" in keyboard.screen


@both_starts
def test_worker_killed_at_its_prompt_leaves_a_usable_terminal(
    pytester: pytest.Pytester, sit: Sit, start: str
) -> None:
    pytester.makepyfile(STOPS)
    with sit(2, f"--concurrent-start={start}") as keyboard:
        keyboard.await_text("(Pdb) ")
        keyboard.ask("!import os; print('worker', os.getpid(), end='.')", "worker ")
        pid = keyboard.screen.rpartition("worker ")[2].partition(".")[0]
        os.kill(int(pid), signal.SIGKILL)
        keyboard.await_text("SIGKILL")
        assert keyboard.end() == 1
        assert "1 failed, 5 passed" in keyboard.screen
        assert keyboard.echoes()


@both_starts
def test_worker_dies_with_the_controller(pytester: pytest.Pytester, sit: Sit, start: str) -> None:
    pytester.makepyfile(STOPS)
    with sit(2, f"--concurrent-start={start}") as keyboard:
        keyboard.await_text("(Pdb) ")
        keyboard.ask("!import os; print('worker', os.getpid(), end='.')", "worker ")
        pid = int(keyboard.screen.rpartition("worker ")[2].partition(".")[0])
        keyboard.signal(signal.SIGKILL)
        until = time.monotonic() + PATIENCE
        while Path(f"/proc/{pid}").exists() and "Z" not in _state(pid):
            assert time.monotonic() < until, "the worker outlives the controller"
            time.sleep(0.02)


@pytest.mark.spawned
@pytest.mark.parametrize("options", [(), ("--pdb",), ("--trace",)], ids=["", "--pdb", "--trace"])
def test_without_input_all_is_as_in_a_sequential_run(
    pytester: pytest.Pytester, compare: Compare, options: tuple[str, ...]
) -> None:
    pytester.makepyfile("def test_stops():\n    breakpoint()\ndef test_fails():\n    assert 0\n")
    compare(*options, workers=(1,), junit=False)


def test_time_in_a_debugger_is_not_the_tests(pytester: pytest.Pytester, sit: Sit) -> None:
    pytester.makepyfile(STOPS)
    with sit(1, "--export-timings=timings.json") as keyboard:
        keyboard.await_text("(Pdb) ")
        time.sleep(3)
        keyboard.type("c\n")
        assert keyboard.end() == 0
    timings = load_timings(str(pytester.path / "timings.json"))
    assert all(one["duration"] < 3 for one in timings.values())
    assert Counter(one["status"] for one in timings.values()) == {"passed": 6}


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"
