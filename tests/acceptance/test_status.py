"""`kill -USR1` of a run says what it is doing, and changes nothing."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from .parity import on_workers

#: Seconds after which what is expected does not come any more.
PATIENCE = 60.0

WAITS = """
import pathlib
import threading
import time
import pytest

def wait_for_word():
    pathlib.Path("waits").touch()
    while not pathlib.Path("word").exists():
        time.sleep(0.01)

def test_waits():
    thread = threading.Thread(target=wait_for_word, name="beside")
    thread.start()
    thread.join()

@pytest.mark.parametrize("number", range(6))
def test_other(number):
    pass
"""


class Asked:
    """A run that can be asked."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes], file: Path) -> None:
        self.folder = folder
        self.process = process
        self._file = file

    @property
    def text(self) -> str:
        return self._file.read_text(errors="replace")

    def ask(self) -> None:
        self.process.send_signal(signal.SIGUSR1)

    def says(self, text: str) -> None:
        eventually(lambda: text in self.text, f"{text!r} in what it says")

    def end(self) -> int:
        (self.folder / "word").touch()
        return self.process.wait(PATIENCE)


def eventually(is_so: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < until, f"never came: {what}"
        time.sleep(0.02)


@contextmanager
def started(folder: Path, *options: str, path: str = "") -> Generator[Asked]:
    output = folder / "output.txt"
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *options]
    environment = {**os.environ, "PATH": f"{path}{os.pathsep}{os.environ['PATH']}"}
    with output.open("wb") as file:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=file, stderr=file, stdin=subprocess.DEVNULL
        )
    try:
        yield Asked(folder, process, output)
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("options", [(), ("-q",), ("-qq",)], ids=["", "-q", "-qq"])
def test_running_tests_are_told_with_their_threads(
    pytester: pytest.Pytester, options: tuple[str, ...]
) -> None:
    pytester.makepyfile(test_it=WAITS)
    with started(pytester.path, *options, *on_workers(2)) as run:
        eventually((pytester.path / "waits").exists, "the test")
        run.ask()
        run.says("in test_waits")
        run.says("in wait_for_word")
        head = r"^gw[01] \(process \d+\): test_it.py::test_waits running for [\d.]+s$"
        assert re.search(head, run.text, re.MULTILINE)
        assert "concurrent: 1 test running" in run.text
        assert run.end() == 0
        assert "passed" in run.text or options == ("-qq",)


def test_asking_again_and_again_disturbs_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import time
        import pytest

        @pytest.mark.parametrize("number", range(200))
        def test_short(number):
            time.sleep(0.005)
        """
    )
    with started(pytester.path, *on_workers(2)) as run:
        run.says("collected")
        while " passed" not in run.text:
            run.ask()
            time.sleep(0.05)
        assert run.end() == 0
        assert "200 passed" in run.text


def test_stacks_for_somebody_are_no_evidence_later(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it=WAITS + "\ndef test_dies():\n    import os\n    os._exit(3)\n")
    with started(pytester.path, *on_workers(1)) as run:
        eventually((pytester.path / "waits").exists, "the test")
        run.ask()
        run.says("in wait_for_word")
        assert run.end() == 1
        failure = run.text.partition("= FAILURES =")[2]
        assert "died (exit status 3)" in failure
        assert "wait_for_word" not in failure


def test_nothing_runs_while_tests_are_collected(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pathlib
        import time

        def pytest_collection():
            pathlib.Path("waits").touch()
            while not pathlib.Path("word").exists():
                time.sleep(0.01)
        """
    )
    pytester.makepyfile("def test_one(): pass")
    with started(pytester.path, *on_workers(1)) as run:
        eventually((pytester.path / "waits").exists, "the collection")
        run.ask()
        run.says("concurrent: no test runs now")
        assert run.end() == 0


@pytest.mark.parametrize(
    "handler", ["faulthandler.register(10, file=2)", "signal.signal(10, mine)"]
)
def test_handler_of_the_projects_own_stays(pytester: pytest.Pytester, handler: str) -> None:
    pytester.makeconftest(
        f"""
        import faulthandler
        import signal

        def mine(*_):
            print("mine", flush=True)

        {handler}
        """
    )
    pytester.makepyfile(test_it=WAITS)
    with started(pytester.path, *on_workers(1)) as run:
        eventually((pytester.path / "waits").exists, "the test")
        run.ask()
        run.says("mine" if "mine" in handler else "most recent call first")
        assert run.end() == 0
        assert "test running" not in run.text


def test_signal_in_a_test_is_the_tests(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import os
        import signal

        def test_default():
            assert signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL
        """
    )
    pytester.runpytest_subprocess(*on_workers(1)).assert_outcomes(passed=1)


def test_signal_at_the_very_end_harms_nobody(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import atexit
        import os
        import signal

        @atexit.register  # before ours, so called after it
        def ask():
            os.kill(os.getpid(), signal.SIGUSR1)
        """
    )
    pytester.makepyfile("def test_it(): pass")
    result = pytester.runpytest_subprocess(*on_workers(1))
    result.assert_outcomes(passed=1)
    assert result.ret == 0


def test_each_session_of_a_process_answers(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import os
        import signal

        def pytest_collection_finish():
            os.kill(os.getpid(), signal.SIGUSR1)
        """
    )
    pytester.makepyfile("def test_it(): pass")
    script = pytester.path / "twice.py"
    script.write_text(
        f"""
import os, pytest, signal, subprocess, sys
STATUS = "import signal; print('in a child:', signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL)"
for _ in range(2):
    assert pytest.main({list(on_workers(1))!r}) == 0
    os.kill(os.getpid(), signal.SIGUSR1)
    subprocess.run([sys.executable, "-c", STATUS], check=True)
"""
    )
    result = pytester.runpython(script)
    assert result.ret == 0
    text = result.stdout.str()
    assert text.count("no test runs now") == 2
    assert text.count("in a child: True") == 2


def spy(folder: Path, script: str) -> str:
    """A folder with a program that is called py-spy."""
    place = folder / "bin"
    place.mkdir()
    program = place / "py-spy"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return str(place)


def test_native_frames_follow_where_py_spy_is(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_it=WAITS)
    path = spy(pytester.path, 'echo "looked: $*"')
    with started(pytester.path, *on_workers(1), path=path) as run:
        eventually((pytester.path / "waits").exists, "the test")
        run.ask()
        run.says("looked: dump --native --pid")
        assert "With native frames (py-spy):" in run.text
        assert run.end() == 0


SPIES: dict[str, Any] = {
    "succeeds": ("echo looked", True),
    "fails": ("echo looked; exit 1", False),
    "hangs": ("exec sleep 600", False),
}


@pytest.mark.parametrize(("script", "is_shown"), SPIES.values(), ids=SPIES)
def test_limit_shows_native_frames_if_there_are_any(
    pytester: pytest.Pytester, script: str, is_shown: bool
) -> None:
    pytester.makepyfile(test_it=WAITS)
    path = spy(pytester.path, script)
    with started(pytester.path, "--test-timeout=1", *on_workers(1), path=path) as run:
        assert run.process.wait(PATIENCE) == 1
        assert "Timeout: passed its limit of 1 s" in run.text
        assert "in wait_for_word" in run.text
        assert ("looked" in run.text) == is_shown
