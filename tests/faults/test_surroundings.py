"""What is around a run goes wrong: files, streams, other runs, people."""

from __future__ import annotations

import fcntl
import os
import signal
import termios
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from .scene import Aftermath, Blow, Scene, eventually

LONG = """
import pathlib, time
import pytest
@pytest.mark.parametrize("number", range(4))
def test_long(number):
    (pathlib.Path(__file__).parent / "running").touch()
    time.sleep({seconds})
"""


@pytest.fixture
def scene(pytester: pytest.Pytester) -> Scene:
    pytester.makepyfile(test_long=LONG.format(seconds=0.2))
    return Scene(pytester.path)


def _passed(result: Aftermath) -> None:
    assert (result.exit, result.totals["passed"]) == (0, 4), result.terminal


def test_closed_stdin_harms_nobody(scene: Scene) -> None:
    process = scene.start("--workers=2", prepare=lambda: os.close(0))
    output, _ = process.communicate(timeout=60)
    assert b"4 passed" in output


def test_broken_pipe_leaves_no_process(scene: Scene) -> None:
    process = scene.start("--workers=2", "-v")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(60) != 0
    assert eventually(lambda: not scene.alive(), 5.0), scene.alive()


def test_closed_terminal_ends_the_run_with_its_reports(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_long=LONG.format(seconds=1))
    scene = Scene(pytester.path)
    ours, theirs = os.openpty()
    process = scene.start("--workers=2", "-v", stdout=theirs, prepare=_lead_terminal)
    os.close(theirs)
    scene.await_file("running")
    os.close(ours)
    # What the system does then, but for sandboxes.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGHUP)
    assert process.wait(60) == 2
    assert eventually(lambda: not scene.alive(), 5.0), scene.alive()
    result = scene.told()
    assert result.ending == "interrupted"
    assert Counter(name for name, verdict in result.verdicts if verdict == "passed") == result.cases
    assert 0 < result.cases.total() < 4


def _lead_terminal() -> None:
    os.setsid()
    fcntl.ioctl(1, termios.TIOCSCTTY, 0)


def test_nohup_is_heeded(scene: Scene) -> None:
    scene.prefix = ["nohup"]
    result = scene.run("--workers=2", blows=(Blow("running", "group", signal.SIGHUP),))
    _passed(result)


def test_unwritable_events_are_a_warning(scene: Scene) -> None:
    result = scene.run("--workers=2", "--concurrent-events=/proc/nowhere/events.jsonl")
    _passed(result)
    assert "/proc/nowhere/events.jsonl" in result.terminal


def test_full_disk_for_events_is_a_warning(scene: Scene) -> None:
    result = scene.run("--workers=2", "--concurrent-events=/dev/full")
    _passed(result)
    assert "events file incomplete: " in result.terminal


def test_read_only_cache_is_a_warning(scene: Scene) -> None:
    # A file where the folder should be fails for everybody, root included.
    (scene.folder / ".pytest_cache").write_text("in the way")
    result = scene.run("--workers=2")
    _passed(result)
    assert "Traceback" not in result.terminal


def test_two_runs_at_once_keep_both_timings(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_one="import time\ndef test_one(): time.sleep(0.5)")
    pytester.makepyfile(test_two="import time\ndef test_two(): time.sleep(0.5)")
    scene = Scene(pytester.path)
    names = ("test_one.py", "test_two.py")
    runs = [scene.start("--workers=2", name, files=False) for name in names]
    outputs = [run.communicate(timeout=60)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], outputs
    known = "".join(path.read_text() for path in Path(".pytest_cache").rglob("*concurrent*/*"))
    assert "test_one.py::test_one" in known
    assert "test_two.py::test_two" in known


def test_tests_not_run_come_with_last_failed(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_long=LONG.format(seconds=30))
    scene = Scene(pytester.path)
    first = scene.run("--workers=1", "--timeout=2")
    assert (first.exit, first.totals) == (8, {"failed": 1, "errors": 3}), first.terminal
    pytester.makepyfile(test_long=LONG.format(seconds=0.01))
    again = scene.run("--workers=1", "--lf")
    _passed(again)
    assert "run-last-failure: rerun previous 4 failures" in again.terminal


def test_stopped_workers_stand_still(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_counts="""
            import pathlib, time
            def test_counts():
                beats = pathlib.Path(__file__).parent / "beats"
                for _ in range(40):
                    with beats.open("a") as file: file.write("x")
                    time.sleep(0.05)
        """
    )
    scene = Scene(pytester.path)
    # A job of this session, as in a shell: the kernel stops no other at SIGTSTP.
    process = scene.start("--workers=1", "--test-timeout=10", prepare=os.setpgrp)
    scene.await_file("beats")
    process.send_signal(signal.SIGTSTP)
    beats = scene.folder / "beats"
    assert eventually(lambda: _state(process.pid) == "T", 10.0)
    counted = beats.stat().st_size
    time.sleep(0.5)
    assert beats.stat().st_size == counted
    process.send_signal(signal.SIGCONT)
    assert process.wait(60) == 0
    assert beats.stat().st_size == 40


def test_killed_controller_takes_everything_along(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_long=LONG.format(seconds=60))
    scene = Scene(pytester.path)
    process = scene.start("--workers=2")
    scene.await_file("running")
    assert len(scene.alive()) == 5
    process.kill()
    process.wait()
    assert eventually(lambda: not scene.alive(), 3.0), scene.alive()


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
