"""What the supervisor says, one method for each kind of message."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from pytest_concurrent._engine import Evidence
from pytest_concurrent.compat import timeout
from pytest_concurrent.controller import verdicts
from pytest_concurrent.controller.lending import Lending
from pytest_concurrent.controller.nodes import NodeTeller
from pytest_concurrent.controller.output import LiveOutput
from pytest_concurrent.controller.replay import Replay
from pytest_concurrent.reporting.progress import PlainProgress
from pytest_concurrent.settings import Settings

#: Endings after which a test that did not run is an error; after the others (`-x`, Ctrl-C,
#: `pytest.exit`) pytest itself says nothing of it.
_INCOMPLETE = {
    "run_timeout": "not run: the run passed its limit first",
    "restarts_spent": "not run: too many workers died (--concurrent-max-worker-restarts)",
    "retries_spent": "not run: no worker could be had (--concurrent-max-retries)",
}


#: What is said of a test that the controller collected and no worker did.
_MISSING = (
    "no worker has this test: the workers collected by themselves (--concurrent-start=spawn), and "
    "its id came out differently there. Ids must be the same in every process: no random values, "
    "times, addresses or unordered sets among parameters"
)

#: What workers may ask for, the gravest last: of several askings that one counts.
_GRAVITY = ("should_stop", "keyboard_interrupt", "exit", "internal_error")


class Listener:
    """Replays what there is to replay and remembers how the run ended.

    Args:
        session: The session; its items are the tests by number.
        settings: What was asked for.
        replay: Tells pytest.
        progress: Tells people.
        nodes: Tells plugins of workers.
        limits: Limits of tests that have one of their own, in seconds, by number.
        lending: Keeps the terminal for a worker's debugger.

    Attributes:
        ending: Why the run is over; empty until it is.
        stop: What a worker asked for: kind, text, exit code.
        start_failure: Why the last worker could not be started; empty if it could.
        judge: Takes the answer whether a test whose worker died runs again.
    """

    def __init__(
        self,
        session: pytest.Session,
        settings: Settings,
        replay: Replay,
        progress: PlainProgress,
        *,
        nodes: NodeTeller,
        limits: Mapping[int, float],
        lending: Lending,
    ) -> None:
        self.ending = ""
        self.stop: tuple[str, str, int | None] | None = None
        self.start_failure = ""
        self.judge: Callable[[int, bool], None] = lambda number, again: None
        self._nodes = nodes
        self._limits = limits
        self._foreign_limits = timeout.Limits(session.config)
        self._items = session.items
        self._settings = settings
        self._replay = replay
        self._progress = progress
        self._suspects: set[int] = set()
        self._lending = lending
        self._output = LiveOutput(named=replay.several_workers, leave_line=progress.leave_line)
        self._held: list[tuple[Any, ...]] = []
        self._last_test: dict[int, int] = {}
        self._not_run: list[int] = []
        self._broken_off: list[tuple[int, int, Any]] = []
        self._lacking: dict[int, set[int]] = {}
        self._missing: set[int] = set()
        self._methods: dict[str, Callable[..., None]] = {
            "replacing": nodes.replacing,
            "ready": self._on_ready,
            "lacking": self._on_lacking,
            "start_failed": self._on_start_failed,
            "ended": self._on_ended,
            "settled": self._on_settled,
            "asked": self._on_asked,
            "between_tests": self._on_between_tests,
            "worker_lost": self._on_worker_lost,
            "stop": self._on_stop,
            "finished": nodes.finished,
            "output": self._output.show,
            "debugger": lending.announce,
            "debugger_over": self._on_debugger_over,
            "status": progress.status,
            "notice": self._on_notice,
            "worker_near_limit": progress.worker_near_limit,
            "recycled": self._progress.worker_recycled,
            "retry": self._on_retry,
            "given_up": self._on_given_up,
            "scaled": self._progress.workers_scaled,
            "orphans": self._on_orphans,
            "over": self._on_over,
        }

    def hear(self, message: tuple[Any, ...]) -> None:
        """Act on one message, or keep it while the terminal is lent."""
        name = message[0]
        if self._lending.active and name != "debugger_over":
            self._held.append(message)
            return
        if name != "output":
            self._output.finish_line()
        self._methods[name](*message[1:])

    def _on_debugger_over(self, _slot: int) -> None:
        self._lending.end()
        held, self._held = self._held, []
        for message in held:
            self.hear(message)

    def _on_ready(self, slot: int, attempt: int, pid: int) -> None:
        self.start_failure = ""
        self._nodes.ready(slot, pid, self._items)

    def _on_lacking(self, slot: int, tests: list[int]) -> None:
        """A worker that collected by itself did not find these tests."""
        for number in tests:
            self._lacking.setdefault(number, set()).add(slot)

    def _on_start_failed(self, slot: int, reason: str) -> None:
        self.start_failure = reason

    def _on_ended(self, slot: int, number: int, verdict: str, seconds: float, payload: Any) -> None:
        self._last_test[slot] = number
        if verdict == "not_run":
            self._not_run.append(number)
            self._broken_off.append((slot, number, payload))
            return
        self._replay.ended(slot, number, payload)
        self._progress.test_finished(slot, number, verdict, seconds)

    def _on_settled(
        self, slot: int | None, number: int, verdict: str, evidence: Evidence | None
    ) -> None:
        """A test has a verdict that its worker could not report."""
        if verdict == "error":
            self._replay.not_run(number, _MISSING)
            self._missing.add(number)
            self._progress.test_finished(slot, number, verdict, 0.0)
            return
        if verdict == "not_run" or slot is None:
            self._not_run.append(number)
            if slot is not None and evidence is not None:
                self._nodes.died(slot, verdicts.crashed(f"gw{slot}", None, []))
            return
        text = self._end_with_worker(slot, number, verdict, evidence)
        self._replay.failed(number, slot, text, evidence)
        seconds = evidence.elapsed if evidence else 0.0
        self._progress.test_finished(slot, number, verdict, seconds)

    def _on_asked(self, slot: int, number: int, verdict: str, evidence: Evidence) -> None:
        """A worker died with a test, and plugins may want it to run again."""
        text = self._end_with_worker(slot, number, verdict, evidence)
        again = self._replay.runs_again(number, slot, text, evidence)
        if not again:
            self._suspects.add(number)
        self.judge(number, again)

    def _end_with_worker(
        self, slot: int, number: int, verdict: str, evidence: Evidence | None
    ) -> str:
        """A worker died with a test: tell of it, and say in words what happened."""
        self._last_test[slot] = number
        worker = f"gw{slot}"
        limit = self._limit_passed(number, verdict, evidence)
        if limit:
            text = verdicts.timed_out(worker, limit, evidence, self._before(evidence))
        else:
            text = verdicts.crashed(worker, evidence, self._before(evidence))
        if number in self._suspects:
            # It was told when it was asked about, and another may stand there by now.
            self._suspects.discard(number)
        else:
            self._nodes.died(slot, text.partition("\n")[0])
        return text

    def _on_between_tests(self, slot: int, payload: Any) -> None:
        self._replay.between_tests(slot, payload, self._last_test.get(slot, 0))

    def _limit_passed(self, number: int, verdict: str, evidence: Evidence | None) -> str:
        """The limit at which the test was ended, in words; empty if that is not why it ended."""
        if verdict != "timeout":
            death, elapsed = (evidence.death, evidence.elapsed) if evidence else ("", 0.0)
            limit = self._foreign_limits.ended(self._items[number], death, elapsed)
            return f"its limit of {limit:g} s" if limit is not None else ""
        whose = evidence.limit if evidence else None
        if whose == "worker":
            return self._worker_limit()
        limit = self._limits.get(number, self._settings.test_timeout)
        if whose == "test" and limit is not None:
            return f"its limit of {limit:g} s"
        return "the limit of the run"

    def _worker_limit(self) -> str:
        source = self._settings.source("worker_timeout")
        return f"the worker's limit of {self._settings.worker_timeout:g} s ({source})"

    def _on_worker_lost(self, slot: int, finishing: bool, hung: bool, evidence: Evidence) -> None:
        worker = f"gw{slot}"
        text = verdicts.lost(
            worker,
            evidence,
            finishing=finishing,
            hung_for=self._worker_limit() if hung else "",
            before=self._before(evidence),
        )
        self._progress.worker_lost(worker, evidence.death)
        self._nodes.died(slot, text.partition("\n")[0])
        self._replay.error_after(self._last_test.get(slot, 0), slot, text, evidence)

    def _on_stop(self, slot: int, kind: str, text: str, code: int | None) -> None:
        if self.stop is None or _GRAVITY.index(kind) > _GRAVITY.index(self.stop[0]):
            self.stop = (kind, text, code)

    def _on_notice(
        self, kind: str, slot: int | None, test: int | None, elapsed: float, limit: float | None
    ) -> None:
        if kind == "run_near_limit":
            self._progress.run_near_limit(elapsed, limit or 0.0)
        elif slot is not None and test is not None:
            self._progress.slow(slot, test, elapsed, limit)

    def _on_retry(self, slot: int, cause: str, attempt: int, delay: float) -> None:
        reason = self.start_failure if cause == "start" else ""
        of = self._settings.max_retries
        self._progress.worker_retried(f"gw{slot}", cause, reason, (attempt, of), delay)

    def _on_given_up(self, slot: int, cause: str, attempts: int) -> None:
        reason = self.start_failure if cause == "start" else ""
        self._progress.worker_given_up(f"gw{slot}", cause, reason, attempts)

    def _on_orphans(self, ended: list[tuple[int, str]], kept: list[tuple[int, str]]) -> None:
        for orphans, tell in (
            (ended, self._progress.orphans_ended),
            (kept, self._progress.orphans_kept),
        ):
            if orphans:
                tell([f"{command or '?'} ({pid})" for pid, command in orphans])

    def _on_over(self, ending: str) -> None:
        self.ending = ending
        for broken_off in self._broken_off:
            # Last, as in a sequential run: what pytest was in the middle of when it ended.
            self._replay.broken_off(*broken_off)
        self._name_rare_tests()
        text = _INCOMPLETE.get(ending)
        if ending == "retries_spent" and self.start_failure:
            text = f"not run: workers could not be started: {self.start_failure}"
        if text is None and self._not_run:
            self._progress.not_run(len(self._not_run))
        if text is not None:
            for number in sorted(self._not_run):
                self._replay.not_run(number, text)
        self._replay.finish(self._not_run)

    def _name_rare_tests(self) -> None:
        """Tests that some workers have and others do not: once, with the workers that lack them."""
        rare = sorted(number for number in self._lacking if number not in self._missing)
        if rare:
            nodeids = [self._items[number].nodeid for number in rare]
            slots = sorted(set().union(*(self._lacking[number] for number in rare)))
            self._progress.rare_tests(nodeids, [f"gw{slot}" for slot in slots])

    def _before(self, evidence: Evidence | None) -> list[str]:
        return [self._items[number].nodeid for number in evidence.before] if evidence else []
