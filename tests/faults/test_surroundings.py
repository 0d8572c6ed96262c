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

BOTH = pytest.mark.parametrize("start", ["fork", "spawn"])

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


@BOTH
def test_closed_stdin_harms_nobody(scene: Scene, start: str) -> None:
    process = scene.start("--workers=2", _how(start), prepare=lambda: os.close(0))
    output, _ = process.communicate(timeout=60)
    assert b"4 passed" in output


@BOTH
def test_broken_pipe_leaves_no_process(scene: Scene, start: str) -> None:
    process = scene.start("--workers=2", _how(start), "-v")
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


@BOTH
def test_stopped_workers_stand_still(pytester: pytest.Pytester, start: str) -> None:
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
    limit = "--test-timeout=10"
    process = scene.start("--workers=1", _how(start), limit, prepare=os.setpgrp)
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


@pytest.mark.parametrize(("start", "family"), [("fork", 5), ("spawn", 3)])
def test_killed_controller_takes_everything_along(
    pytester: pytest.Pytester, start: str, family: int
) -> None:
    """Without a zygote and its spare there are two less."""
    pytester.makepyfile(test_long=LONG.format(seconds=60))
    scene = Scene(pytester.path)
    process = scene.start("--workers=2", _how(start))
    scene.await_file("running")
    assert len(scene.alive()) == family
    process.kill()
    process.wait()
    assert eventually(lambda: not scene.alive(), 3.0), scene.alive()


def test_folder_that_is_gone_is_named(pytester: pytest.Pytester) -> None:
    """A spawned worker starts where pytest was started; pytest itself cannot end without it."""
    tests, place = pytester.mkdir("tests"), pytester.mkdir("place")
    (tests / "test_one.py").write_text(
        "import os, pathlib, signal, pytest\n"
        "PLACE = pathlib.Path(__file__).parents[1] / 'place'\n"
        "@pytest.mark.concurrent_group('together')\n"
        "def test_removes():\n"
        "    PLACE.rmdir()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "@pytest.mark.concurrent_group('together')\n"
        "def test_after(): pass\n"
    )
    scene = Scene(pytester.path)
    scene.prefix = ["env", f"--chdir={place}"]
    words = ("--workers=1", _how("spawn"), "--concurrent-max-retries=0", "--rootdir=../tests")
    result = scene.run(*words, "../tests", "-p", "no:cacheprovider")
    assert f"gw0 did not start (no folder {place}" in result.terminal
    assert result.verdicts == [("test_removes", "crashed"), ("test_after", "not_run")]
    assert eventually(lambda: not scene.alive(), 5.0), scene.alive()


def _how(start: str) -> str:
    return f"--concurrent-start={start}"


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
