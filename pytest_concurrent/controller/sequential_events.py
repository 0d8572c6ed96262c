"""The event stream of a run without workers, so that its reports are those of any other run."""

from __future__ import annotations

import json
import os
import resource
import time
from collections import Counter
from typing import Any

import pytest

from pytest_concurrent import _engine
from pytest_concurrent.controller.sequential import Stopwatch
from pytest_concurrent.controller.versions import versions

#: The name of the process that runs everything, as xdist's fixture `worker_id` gives it.
_WORKER = "master"

#: Version of the stream (see docs/reference/events.md).
_SCHEMA = 1


class SequentialEvents:
    """Writes down what happens when pytest's own loop runs the tests.

    Args:
        stopwatch: Knows how long the test took that just ended.
        tests: How many tests were collected.
    """

    def __init__(self, stopwatch: Stopwatch, tests: int) -> None:
        self._stopwatch = stopwatch
        self._began = time.time()
        self._verdicts: Counter[str] = Counter()
        self._lines: list[str] = []
        self._test_began = 0.0
        self._note(
            "run_started",
            schema=_SCHEMA,
            run_id=os.urandom(16).hex(),
            started_at=self._began,
            tests=tests,
            workers=1,
            workers_reason="without workers",
            start_method="none",
            versions=versions(),
        )
        self._note("worker_started", worker=_WORKER, pid=os.getpid(), attempt=1)
        self._note("worker_ready", worker=_WORKER)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test begins."""
        self._test_began = self._now()
        self._note("test_started", worker=_WORKER, test=nodeid)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """A test is over."""
        seconds, verdict = self._stopwatch.last
        self._verdicts[verdict] += 1
        phases = {name: seconds.get(name, 0.0) for name in ("setup", "call", "teardown")}
        self._note(
            "test_finished",
            worker=_WORKER,
            test=nodeid,
            verdict=verdict,
            start=self._test_began,
            **phases,
            shared=0.0,
            failures=int(verdict in {"failed", "error"}),
        )

    def finish(self, session: pytest.Session) -> bytes:
        """The whole stream, as UTF-8."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        cpu = usage.ru_utime + usage.ru_stime
        peak = usage.ru_maxrss * 1024
        self._note("worker_finished", worker=_WORKER, cpu=cpu, peak_memory=peak)
        stopped = session.shouldfail or session.shouldstop
        ending = "stopped" if stopped else "completed"
        self._note("run_finished", ending=ending, verdicts=dict(self._verdicts))
        return "".join(f"{line}\n" for line in self._lines).encode("utf-8", "backslashreplace")

    def _now(self) -> float:
        return time.time() - self._began

    def _note(self, event: str, **fields: Any) -> None:
        self._lines.append(json.dumps({"time": self._now(), "event": event, **fields}))


def benchmark(stream: bytes) -> tuple[str, list[str]]:
    """The benchmark report of a stream: JSON, and lines for the terminal."""
    return _engine.benchmark(stream)
