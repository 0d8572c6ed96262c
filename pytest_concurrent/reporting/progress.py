"""Progress in plain lines, for logs and for terminals without cursor control."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pytest_concurrent._engine import WorkerStatus
from pytest_concurrent.reporting.status import StatusReport
from pytest_concurrent.reporting.terminal import Terminal
from pytest_concurrent.reporting.units import age, counted

#: Seconds between two heartbeats at least, and the share of the run that they are apart in a long
#: one; but never so far apart that a CI service takes the run for dead (the usual limit: 10 min).
_LEAST_INTERVAL = 30.0
_SHARE_OF_RUN = 0.1
_GREATEST_INTERVAL = 300.0

#: A test is named when it runs so many times longer than usual, and at least so many seconds.
_OVERDUE_FACTOR = 3.0
_OVERDUE_SECONDS = 1.0

#: Verdicts that no worker reported.
_ENDED = ("timeout", "crashed")

#: At most so many tests are named in one heartbeat.
_NAMED = 8

#: With less than this share of the work done, nothing is said about the rest.
_SHARE_FOR_FORECAST = 0.02

#: Verdicts that are told at once.
_WORDS = {"failed": "FAILED", "error": "ERROR", "timeout": "TIMEOUT", "crashed": "CRASHED"}

#: Why the number of workers changes.
_LOADS = {
    "idle": "processors idle while tests wait",
    "cpu": "there are more than the processors can serve",
    "memory": "memory runs short",
}


@dataclass(frozen=True)
class _Running:
    worker: str
    test: str
    seconds: float
    usual: float | None

    @property
    def is_overdue(self) -> bool:
        limit = max(_OVERDUE_FACTOR * (self.usual or 0.0), _OVERDUE_SECONDS)
        return self.usual is not None and self.seconds > limit

    def __str__(self) -> str:
        usually = "" if self.usual is None else f", usually {age(self.usual)}"
        return f"{self.test} {self.worker} running for {age(self.seconds)}{usually}"


class PlainProgress:
    """Failures at once, slow tests, and a heartbeat.

    Every ``now`` is in seconds since the run's start.

    Args:
        terminal: Where to write.
        nodeids: The collected tests, by number.
        estimates: Seconds that each usually takes; ``None`` where unknown.
        running: Tells for each slot that runs a test its number, the test's, and for how many
            seconds it has run.
        enabled: ``False`` for ``--concurrent-progress=none``. ``-qq`` hides progress as well;
            interrupts and lost workers are told always.
    """

    def __init__(
        self,
        terminal: Terminal,
        *,
        nodeids: Sequence[str],
        estimates: Sequence[float | None],
        running: Callable[[], Sequence[tuple[int, int, float]]],
        enabled: bool = True,
    ) -> None:
        self._terminal = terminal
        self._nodeids = nodeids
        self._estimates = estimates
        self._look = running
        self._estimate = sum(usual for usual in estimates if usual is not None)
        self._enabled = enabled and terminal.verbosity > -2
        self._done = 0
        self._bad = 0
        self._work_done = 0.0
        self._last_heartbeat = 0.0

    def test_finished(self, slot: int | None, test: int, verdict: str, seconds: float) -> None:
        """Note a verdict; tell at once of one that makes the run fail.

        To be called after pytest's reporter has had the test's reports.

        Args:
            slot: Where it ran; ``None`` if it never started.
            test: Its number.
            verdict: The engine's name of the verdict, such as ``passed`` or ``timeout``.
            seconds: How long it took.
        """
        self._done += 1
        self._work_done += self._estimates[test] or 0.0
        if verdict in _WORDS:
            self._bad += 1
            # The reporter's own line has perhaps said so, but not that nobody reported the test.
            if not self._terminal.names_failures or verdict in _ENDED:
                where = "" if slot is None else f" gw{slot} {age(seconds)}"
                self._write(f" {self._nodeids[test]}{where}", word=_WORDS[verdict], red=True)

    def slow(self, slot: int, test: int, elapsed: float, limit: float | None) -> None:
        """Name a test that has run for ``elapsed`` seconds; its limit, if it comes near."""
        near = "" if limit is None else f", limit {age(limit)}"
        self._write(f" {self._describe(slot, test, elapsed)}{near}", word="SLOW", yellow=True)

    def worker_near_limit(self, slot: int, doing: str, elapsed: float, limit: float) -> None:
        """Name a worker that has used ``elapsed`` of its ``limit`` seconds.

        Args:
            slot: Where.
            doing: What it is at that tests share, as in ``set-up of module fixture 'db'``; empty
                while it starts or tears down.
            elapsed: For how long.
            limit: How long it may be.
        """
        doing = f"in {doing}" if doing else "starting or tearing down"
        text = f" gw{slot} {doing} for {age(elapsed)}, limit {age(limit)}"
        self._write(text, word="SLOW", yellow=True)

    def run_near_limit(self, elapsed: float, limit: float) -> None:
        """Say that the run has used ``elapsed`` of its ``limit`` seconds."""
        text = f" the run has taken {age(elapsed)}, limit {age(limit)}"
        self._write(text, word="SLOW", yellow=True)

    def worker_lost(self, worker: str, how: str) -> None:
        """Say that a worker's process is gone while no test ran on it.

        Args:
            worker: The slot.
            how: The way it ended, as in ``SIGSEGV`` or ``exit status 3``.
        """
        text = f" {worker} died outside of a test: {how}"
        self._terminal.between_tests(text, word="concurrent:", red=True)

    def debugger(self, slot: int, test: int | None) -> None:
        """Say which worker, in the middle of which test, has the terminal from here on."""
        where = "outside of a test" if test is None else f"in {self._nodeids[test]}"
        text = f" gw{slot} has stopped {where}; the other workers wait"
        self._terminal.between_tests(text, word="concurrent:", yellow=True)

    def status(self, statuses: Sequence[WorkerStatus]) -> None:
        """Say what each slot does, because somebody asked: however quiet pytest is."""
        StatusReport(self._terminal, self._nodeids, self._estimates).tell(statuses)

    def worker_recycled(self, slot: int, cause: str, tests: int, memory: int) -> None:
        """Say with ``-v`` that a worker makes room for a fresh one.

        Args:
            slot: Where.
            cause: ``tests`` or ``memory``.
            tests: How many tests it ran.
            memory: Bytes that it owned when last measured; 0 = never measured.
        """
        why = f"it owns {memory / 2**20:.0f} MiB" if cause == "memory" else "as it is to be"
        text = f" gw{slot} makes room for a fresh worker after {counted(tests, 'test')}: {why}"
        self._write_if_verbose(text)

    def workers_scaled(self, workers: int, cause: str) -> None:
        """Say with ``-v`` how many workers run from now on, because of ``idle``, ``cpu``, …."""
        text = f" {counted(workers, 'worker')} from now on: {_LOADS[cause]}"
        self._write_if_verbose(text)

    def worker_retried(
        self, worker: str, cause: str, reason: str, attempt: tuple[int, int], delay: float
    ) -> None:
        """Say that a worker is tried again.

        Args:
            worker: The slot.
            cause: ``start`` or ``killed``.
            reason: Why it did not start, if the system said so.
            attempt: Which retry in a row this is, and of how many.
            delay: Seconds until then.
        """
        number, of = attempt
        text = f" {worker} {_failure(cause, reason)}, retry {number} of {of} in {age(delay)}"
        self._terminal.between_tests(text, word="concurrent:", yellow=True)

    def worker_given_up(self, worker: str, cause: str, reason: str, attempts: int) -> None:
        """Say that a worker is not tried again after so many attempts; arguments as above."""
        text = f" {worker} {_failure(cause, reason)}, given up after {counted(attempts, 'attempt')}"
        self._terminal.between_tests(text, word="concurrent:", red=True)

    def not_run(self, count: int) -> None:
        """Say how many tests had no turn because the run was broken off."""
        self._terminal.between_tests(f" {counted(count, 'test')} did not run", word="concurrent:")

    def rare_tests(self, nodeids: Sequence[str], workers: Sequence[str]) -> None:
        """Name tests that some workers did not find when they collected, and those workers."""
        named = ", ".join(nodeids[:_NAMED]) + (", …" if len(nodeids) > _NAMED else "")
        many = counted(len(nodeids), "test")
        lacking = ", ".join(workers)
        self._terminal.warning(f"{many} that not every worker collected ({lacking}): {named}")

    def orphans_ended(self, processes: Sequence[str]) -> None:
        """Name processes that tests had left behind, and that were ended."""
        self._terminal.warning(f"ended {_named(processes)}")

    def orphans_kept(self, processes: Sequence[str]) -> None:
        """Name processes that tests left behind, and that may outlive the run."""
        text = f" left alone (concurrent_keep_children): {_named(processes)}"
        self._terminal.between_tests(text, word="concurrent:")

    def interrupted(self, times: int, grace: float) -> None:
        """Say what an interrupt does.

        Args:
            times: How many have come, this one included.
            grace: Seconds that running tests are given to finish after the first.
        """
        if times > 1:
            text = " interrupted again, ending every worker now"
        else:
            text = (
                " interrupted, no further test starts; "
                f"{counted(len(self._look()), 'running test')} may take {grace:g} s more "
                "(Ctrl-C again ends them now)"
            )
        self._terminal.between_tests(text, word="concurrent:", yellow=True)

    def leave_line(self) -> None:
        """End the line of letters, if there is one: what comes next writes whole lines."""
        self._terminal.leave_line()

    def tick(self, now: float) -> None:
        """Write a heartbeat if one is due. Cheap: may be called many times a second."""
        if now - self._last_heartbeat >= self._interval(now):
            self._last_heartbeat = now
            self._heartbeat(now)

    def _running(self) -> list[_Running]:
        found = [self._describe(*one) for one in self._look()]
        return sorted(found, key=lambda running: -running.seconds)

    def _describe(self, slot: int, test: int, seconds: float) -> _Running:
        return _Running(f"gw{slot}", self._nodeids[test], seconds, self._estimates[test])

    def _interval(self, now: float) -> float:
        whole = now + (self._seconds_left(now) or 0.0)
        return min(max(_LEAST_INTERVAL, _SHARE_OF_RUN * whole), _GREATEST_INTERVAL)

    def _seconds_left(self, now: float) -> float | None:
        if not self._estimate:  # counting tests says nothing of how long the others take
            return None
        share = self._share_done()
        return now * (1 - share) / share if share >= _SHARE_FOR_FORECAST else None

    def _share_done(self) -> float:
        if self._estimate:
            return min(self._work_done / self._estimate, 1.0)
        return self._done / len(self._nodeids) if self._nodeids else 1.0

    def _heartbeat(self, now: float) -> None:
        left = self._seconds_left(now)
        parts = [
            f" {self._done:,} of {counted(len(self._nodeids), 'test')}",
            *([f"{self._bad:,} failed"] if self._bad else []),
            f"{age(now)} so far",
            *([f"about {age(left)} left"] if left else []),
        ]
        self._write(", ".join(parts), word="concurrent:")
        self._name_overdue()

    def _name_overdue(self) -> None:
        overdue = [running for running in self._running() if running.is_overdue]
        for running in overdue[:_NAMED]:
            self._write(f"  {running}")
        if len(overdue) > _NAMED:
            self._write(f"  and {len(overdue) - _NAMED} more")

    def _write_if_verbose(self, line: str) -> None:
        if self._terminal.verbosity > 0:
            self._write(line, word="concurrent:")

    def _write(self, line: str, *, word: str = "", **markup: bool) -> None:
        if self._enabled:
            self._terminal.between_tests(line, word=word, **markup)


def _failure(cause: str, reason: str) -> str:
    if cause == "killed":
        return "was killed from outside"
    return f"did not start ({reason})" if reason else "did not start"


def _named(processes: Sequence[str]) -> str:
    named = "; ".join(processes[:_NAMED]) + ("; …" if len(processes) > _NAMED else "")
    many = "1 process" if len(processes) == 1 else f"{len(processes):,} processes"
    return f"{many} that tests left behind: {named}"
