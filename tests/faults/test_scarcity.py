"""Something that a run needs is scarce, missing or full."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import NoReturn

import pytest

from .scene import Aftermath, Scene, eventually

SUITE = """
import time
import pytest
@pytest.mark.parametrize("number", range(8))
def test_short(number, tmp_path):
    (tmp_path / "file").write_text("x" * 1000)
    time.sleep(0.05)
"""


@pytest.fixture
def scene(pytester: pytest.Pytester) -> Scene:
    pytester.makepyfile(test_short=SUITE)
    return Scene(pytester.path)


def _passed(scene: Scene, result: Aftermath) -> None:
    assert (result.exit, result.totals["passed"]) == (0, 8), result.terminal
    assert "Traceback" not in result.terminal
    assert eventually(lambda: not scene.alive(), 5.0), scene.alive()
    assert scene.leftovers() == []


def _refused(why: str) -> NoReturn:
    """No test passes by skipping in CI, where it runs as root."""
    if os.environ.get("CI") == "true" and os.geteuid() == 0:
        pytest.fail(why)
    pytest.skip(why)


@contextmanager
def _mounted(folder: Path, *options: str) -> Iterator[Path]:
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", ",".join(("size=64k", *options)), "tmpfs", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        _refused("no file system may be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def full_disk(folder: Path) -> Iterator[Path]:
    """A file system of 64 KiB without room."""
    with _mounted(folder):
        with suppress(OSError), (folder / "ballast").open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        yield folder


def read_only(folder: Path) -> AbstractContextManager[Path]:
    """A folder where nobody can write, root included."""
    return _mounted(folder, "ro")


Place = Callable[[Path], AbstractContextManager[Path]]

UNWRITABLE = pytest.mark.parametrize(
    ("place", "reason"),
    [(full_disk, "No space left on device"), (read_only, "Read-only file system")],
    ids=["full", "read_only"],
)


@UNWRITABLE
@pytest.mark.parametrize("option", ["events", "export-timings", "benchmark-json"])
def test_unwritable_place_for_a_file_of_ours_is_a_warning(
    scene: Scene, option: str, place: Place, reason: str
) -> None:
    with place(scene.folder / "place") as folder:
        name = "--export-timings" if option == "export-timings" else f"--concurrent-{option}"
        result = scene.run("--workers=2", f"{name}={folder / 'file'}")
        _passed(scene, result)
        assert reason in result.terminal
        assert "warning" in result.terminal


def test_full_disk_for_the_cache_is_a_warning(scene: Scene) -> None:
    with full_disk(scene.folder / "full") as full:
        _passed(scene, scene.run("--workers=2", "-o", f"cache_dir={full / 'cache'}"))


@UNWRITABLE
def test_unwritable_place_for_junit_ends_as_without_workers(
    scene: Scene, place: Place, reason: str
) -> None:
    """The tests have run; pytest itself then fails to write its file, and says so."""
    with place(scene.folder / "place") as folder:
        word = f"--junitxml={folder / 'junit.xml'}"
        results = [scene.run(*words, word) for words in (("--workers=2",), ("--no-concurrent",))]
    assert results[0].exit == results[1].exit != 0
    assert reason in results[0].terminal
    assert eventually(lambda: not scene.alive(), 5.0), scene.alive()


def test_full_disk_for_temporary_files_is_told_by_the_tests(scene: Scene) -> None:
    """Where there is no room for a folder of pytest's own, its tests fail; nothing is lost."""
    with full_disk(scene.folder / "full") as full:
        result = scene.run("--workers=2", f"--basetemp={full / 'base'}", "-p", "no:cacheprovider")
    counts = result.totals
    assert counts["errors"] + counts["failed"] + counts["passed"] == 8, result.terminal
    assert counts["passed"] < 8
    assert "No space left on device" in result.terminal
    assert eventually(lambda: not scene.alive(), 5.0), scene.alive()


def test_missing_folder_for_events_is_named(scene: Scene) -> None:
    place = scene.folder / "not" / "there" / "events.jsonl"
    result = scene.run("--workers=2", f"--concurrent-events={place}")
    _passed(scene, result)
    assert place.exists() or str(place) in result.terminal


@pytest.mark.parametrize("option", ["--concurrent-events", "--export-timings"])
def test_a_link_is_not_followed(scene: Scene, option: str) -> None:
    target = scene.folder / "precious.txt"
    target.write_text("precious")
    link = scene.folder / "link"
    link.symlink_to(target)
    result = scene.run("--workers=2", f"{option}={link}")
    assert target.read_text() == "precious"
    assert result.exit == 4 or "link" in result.terminal
    assert eventually(lambda: not scene.alive(), 5.0), scene.alive()


def test_ten_runs_at_once_disturb_nobody(scene: Scene) -> None:
    runs = [scene.start("--workers=2", files=False) for _ in range(10)]
    outputs = [run.communicate(timeout=120)[0].decode() for run in runs]
    assert [run.returncode for run in runs] == [0] * 10, outputs
    assert all("8 passed" in output for output in outputs)
    assert eventually(lambda: not scene.alive(), 5.0), scene.alive()


def _limited(what: int, limit: int) -> Callable[[], None]:
    def prepare() -> None:
        os.setsid()
        resource.setrlimit(what, (limit, limit))

    return prepare


@pytest.mark.parametrize(
    ("start", "workers"),
    [("fork", 1), ("fork", 2), ("fork", 8), ("spawn", 2), ("spawn", 8)],
)
def test_few_descriptors_suffice_or_are_named(scene: Scene, start: str, workers: int) -> None:
    """Eight workers need more than 64 descriptors: fewer start, and the run goes on with them."""
    limited = _limited(resource.RLIMIT_NOFILE, 64)
    words = (f"--workers={workers}", f"--concurrent-start={start}")
    process = scene.start(*words, prepare=limited)
    output = process.communicate(timeout=120)[0].decode()
    assert "8 passed" in output, output
    assert process.returncode == 0
    assert eventually(lambda: not scene.alive(), 5.0), scene.alive()


#: Processes and threads beyond those that the user has; the controller is the first of them.
@pytest.mark.parametrize(
    ("start", "allowed"),
    [*(("fork", allowed) for allowed in range(1, 6)), ("spawn", 1), ("spawn", 2), ("spawn", 3)],
)
def test_processes_run_out_and_no_test_is_lost(tmp_path: Path, start: str, allowed: int) -> None:
    """With too few for workers the suite runs without them, or says why it cannot."""
    if shutil.which("setpriv") is None or os.geteuid() != 0:
        _refused("only root can become a user without processes")
    (tmp_path / "test_short.py").write_text(SUITE)
    caps = "+dac_override,+dac_read_search"
    become = ["setpriv", "--reuid=61234", "--regid=61234", "--clear-groups"]
    become += [f"--inh-caps={caps}", f"--ambient-caps={caps}"]
    scene = Scene(tmp_path)
    scene.prefix = [*become, "prlimit", f"--nproc={allowed}"]
    process = scene.start("--workers=2", f"--concurrent-start={start}", files=True)
    output = process.communicate(timeout=120)[0].decode()
    assert "Traceback" not in output
    assert "INTERNALERROR" not in output
    if process.returncode == 0:
        assert "8 passed" in output
    else:
        assert process.returncode == 1, output
        for told in ("did not start (", "retry 3 of 3 in ", "given up after 4 attempts"):
            assert told in output
        assert "not run: workers could not be started: " in output
    assert eventually(lambda: not scene.alive(), 5.0), scene.alive()


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_shared_memory_folder_is_not_needed(scene: Scene, start: str) -> None:
    probe = ["unshare", "--mount", "umount", "-l", "/dev/shm"]
    if subprocess.run(probe, capture_output=True, check=False).returncode != 0:
        _refused("no file system may be unmounted here")
    scene.prefix = ["unshare", "--mount", "sh", "-c", 'umount -l /dev/shm; exec "$@"', "sh"]
    _passed(scene, scene.run("--workers=2", f"--concurrent-start={start}"))


REUSE = """
import os, pathlib, signal, subprocess, time
import pytest
PID = pathlib.Path(__file__).parent / "pid"

def taken_again(number):
    pathlib.Path("/proc/sys/kernel/ns_last_pid").write_text(str(number - 1))
    return subprocess.Popen(["sleep", "60"])

@pytest.mark.concurrent_group("together")
def test_dies():
    PID.write_text(str(os.getpid()))
    os.kill(os.getpid(), signal.SIGKILL)

@pytest.mark.concurrent_group("together")
def test_reuses():
    number = int(PID.read_text())
    until = time.monotonic() + 30
    while (child := taken_again(number)).pid != number and time.monotonic() < until:
        child.kill()
        child.wait()
        time.sleep(0.01)
    assert child.pid == number
    time.sleep(0.5)
    assert child.poll() is None, "taken for the dead worker"
    child.kill()
    child.wait()
"""


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_a_process_with_the_number_of_a_dead_worker_is_spared(
    pytester: pytest.Pytester, start: str
) -> None:
    prefix = ["unshare", "--pid", "--fork", "--mount-proc"]
    if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode != 0:
        _refused("no namespace for process ids may be made here")
    pytester.makepyfile(test_reuse=REUSE)
    scene = Scene(pytester.path)
    scene.prefix = prefix
    result = scene.run("--workers=2", f"--concurrent-start={start}")
    assert result.totals == {"failed": 1, "passed": 1}, result.terminal
    assert "worker gw" in result.terminal
    assert eventually(lambda: not scene.alive(), 5.0), scene.alive()


#: The library's own `sleep` fails when the clock has jumped.
JUMPS = """
import pathlib, select, time
import pytest
CLOCK = pathlib.Path(__file__).parent / "clock"

@pytest.mark.parametrize("offset", ["+400d", "-400d", "+0"])
def test_jumps(offset):
    before = time.time()
    CLOCK.write_text(offset)
    select.select([], [], [], 0.3)
    assert offset == "+0" or abs(time.time() - before) > 1000

@pytest.mark.parametrize("number", range(8))
def test_short(number): select.select([], [], [], 0.1)
"""


def test_the_wall_clock_may_jump(pytester: pytest.Pytester) -> None:
    """No limit is passed by it, and no test ends before it began."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    if library is None:
        _refused("libfaketime is not installed")
    pytester.makepyfile(test_jumps=JUMPS)
    clock = pytester.path / "clock"
    clock.write_text("+0")
    scene = Scene(pytester.path)
    scene.prefix = ["env", f"LD_PRELOAD={library}", f"FAKETIME_TIMESTAMP_FILE={clock}"]
    scene.prefix += ["FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1"]
    limits = ("--test-timeout=20", "--timeout=100", "--worker-timeout=50")
    result = scene.run("--workers=2", "--concurrent-group=file", *limits)
    assert (result.exit, result.totals["passed"]) == (0, 11), result.terminal
    times = [float(str(one["time"])) for one in result.events]
    assert times == sorted(times)
    assert eventually(lambda: not scene.alive(), 5.0), scene.alive()


@pytest.mark.parametrize("zone", ["Pacific/Apia", "Asia/Kathmandu", ":/nowhere", "XYZ+23"])
def test_odd_time_zones_change_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    monkeypatch.setenv("TZ", zone)
    _passed(scene, scene.run("--workers=2"))
