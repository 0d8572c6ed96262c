"""Run one command as a whole process and say what it cost."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

from measuring.memory import descendants, tree_pss

PR_SET_CHILD_SUBREAPER = 36
SAMPLE_SECONDS = 0.1  # a reading of ten large processes takes about 10 ms
ORPHAN_GRACE_SECONDS = 2.0
# What would slow every run, or change what it does, behind the back of the command line.
UNSET = ("PYTHONDONTWRITEBYTECODE", "PYTEST_ADDOPTS", "PYTHONPATH", "PYTEST_PLUGINS")


class CommandError(Exception):
    """A command gave another exit code than the expected one, or took too long."""


@dataclass(frozen=True)
class Cost:
    """What one run of a command took.

    `wall`, `user`, `system`: seconds, the last two of all its processes. `controller`: CPU seconds
    of the started process alone. `peak_pss`: bytes, 0 when not sampled. `left_behind`: processes
    still alive two seconds after it ended. `observed`: what its own files said, by name.
    """

    wall: float
    user: float
    system: float
    controller: float
    peak_pss: int = 0
    left_behind: int = 0
    observed: dict[str, float] = field(default_factory=dict)

    @property
    def cpu(self) -> float:
        """CPU seconds of all processes, user and system."""
        return self.user + self.system

    def as_json(self) -> dict[str, object]:
        """Give plain values for a result file; `Cost(**values)` reads them again."""
        return asdict(self)


def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    log: Path,
    environment: Mapping[str, str] | None = None,
    expected_exit: int = 0,
    sample_memory: bool = False,
    limit: float = 600.0,
) -> Cost:
    """Run `argv` in `cwd` with its output in `log`; wait at most `limit` seconds.

    Sampling memory costs CPU itself: take times and memory in separate runs.
    Raises `CommandError` with the end of the log when the exit code is not `expected_exit`.
    """
    _adopt_orphans()
    before, start = getrusage(RUSAGE_CHILDREN), time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            argv,
            cwd=cwd,
            env=_environment(environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        peak = _wait(process.pid, start + limit, sample_memory=sample_memory)
    except BaseException as error:
        _end(process)
        if isinstance(error, TimeoutError):
            reason = f"{argv} did not end within {limit:g} s\n{_end_of(log)}"
            raise CommandError(reason) from None
        raise
    wall, controller = time.perf_counter() - start, _own_cpu(process.pid)
    exit_code = process.wait()
    left_behind = _reap_orphans()
    after = getrusage(RUSAGE_CHILDREN)
    if exit_code != expected_exit:
        raise CommandError(
            f"{argv} gave exit code {exit_code}, not {expected_exit}\n{_end_of(log)}"
        )
    user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
    return Cost(wall, user, system, controller, peak, left_behind)


def _environment(additions: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in UNSET}
    return {**kept, **additions}


def _adopt_orphans() -> None:
    """Become the parent of what a command leaves, so that its CPU time and memory count too."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "this process cannot adopt orphans")


def _wait(process: int, deadline: float, *, sample_memory: bool) -> int:
    """Wait for the end without reaping; return the largest sum of memory seen, in bytes."""
    peak = 0
    with _pidfd(process) as ended:
        while not ended.poll(_milliseconds(deadline, sample_memory=sample_memory)):
            if time.perf_counter() > deadline:
                raise TimeoutError
            if sample_memory:
                peak = max(peak, tree_pss(os.getpid()))
    return peak


def _milliseconds(deadline: float, *, sample_memory: bool) -> float:
    left = max(0.0, deadline - time.perf_counter())
    return 1000 * (min(SAMPLE_SECONDS, left) if sample_memory else left)


@contextmanager
def _pidfd(process: int) -> Iterator[select.poll]:
    descriptor = os.pidfd_open(process)
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    try:
        yield poll
    finally:
        os.close(descriptor)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a command that hangs, or that is no longer waited for, with all that it started."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    _reap_orphans()


def _own_cpu(process: int) -> float:
    """Read the CPU seconds of an ended, unreaped process without those of its children."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _reap_orphans() -> int:
    """Wait for adopted processes to end; kill and count those that do not within the grace."""
    deadline = time.perf_counter() + ORPHAN_GRACE_SECONDS
    while _reap_ended():
        if time.perf_counter() > deadline:
            stayed = descendants(os.getpid())
            for process in stayed:
                os.kill(process, signal.SIGKILL)
            while _reap_ended():
                time.sleep(0.01)
            return len(stayed)
        time.sleep(0.01)
    return 0


def _reap_ended() -> bool:
    """Reap every child that has ended; say whether others are still there."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _end_of(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
