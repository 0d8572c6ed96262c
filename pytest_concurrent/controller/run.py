"""One run: fork, hand the plan to the supervisor, replay what comes back, end as pytest does."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest

from pytest_concurrent._engine import Outcome, Page, Supervisor
from pytest_concurrent.controller import interrupts, spawning, stepwise
from pytest_concurrent.controller.collection import Collection
from pytest_concurrent.controller.forking import Zygote, fork_zygote
from pytest_concurrent.controller.garbage import patient_gc
from pytest_concurrent.controller.lending import Lending
from pytest_concurrent.controller.listener import Listener
from pytest_concurrent.controller.nodes import NodeTeller
from pytest_concurrent.controller.replay import Replay
from pytest_concurrent.controller.spawning import Spawning
from pytest_concurrent.controller.staffing import Staff
from pytest_concurrent.controller.start_method import Start, because_of
from pytest_concurrent.controller.status import StatusSignal
from pytest_concurrent.controller.terms import Terms
from pytest_concurrent.controller.versions import versions
from pytest_concurrent.exceptions import ForkUnsafeException, WorkerInternalException
from pytest_concurrent.reporting.batch import batched
from pytest_concurrent.reporting.files import open_stream
from pytest_concurrent.reporting.progress import PlainProgress
from pytest_concurrent.reporting.terminal import Plan, Terminal, header_line, share_lines
from pytest_concurrent.settings import Settings

#: Exit code of a run that reached its own limit; pytest uses 0 to 6, rerunfailures 7.
EXIT_RUN_TIMEOUT = 8

#: Workers that may be replaced, for each slot, unless the user says otherwise (as in xdist).
_RESTARTS_PER_WORKER = 4


class Run:
    """A concurrent run of a collected session.

    Args:
        session: The session, collected.
        settings: What was asked for.
        collection: The plan.
        given_order: Whether the order of tests is asked for.
        began: When the run began, by `time.perf_counter`.
        run_id: The run's id.
        staff: How many workers there are to be.
        start: How workers start.
        spawned: Workers that were started already.
        lent: Descriptors that every worker is to have.
        asked: Tells that somebody asks what the run is doing.
        remarks: Further lines for the header, each with whether it is shown without ``-v`` too.
    """

    def __init__(
        self,
        session: pytest.Session,
        settings: Settings,
        collection: Collection,
        *,
        given_order: bool,
        began: float,
        run_id: str,
        staff: Staff,
        start: Start,
        spawned: Spawning | None = None,
        lent: Sequence[int] = (),
        asked: StatusSignal,
        remarks: Sequence[tuple[str, bool]] = (),
    ) -> None:
        self._session = session
        self._config = session.config
        self._settings = settings
        self._collection = collection
        self._given_order = given_order
        self._began = began
        self._run_id = run_id
        self._asked = asked
        self._remarks = remarks
        self._terminal = Terminal(session.config)
        self._staff = staff
        self._start = start
        self._spawned = spawned
        self._lent = lent
        self._page = spawned.page if spawned is not None else Page(staff.slots)
        self._nodes = (
            spawned.nodes
            if spawned is not None
            else NodeTeller.of(self._config, staff.slots, run_id)
        )
        self._listener = self._make_listener()

    def run(self) -> Outcome:
        """Run every test, and return what was measured.

        Raises:
            ForkUnsafeException: Nothing has run, and workers can neither be forked nor started.
        """
        try:
            return self._run()
        finally:
            self._nodes.close()

    def _run(self) -> Outcome:
        zygote = self._fork() if self._start.method == "fork" else None
        origin = zygote or self._spawn()
        try:
            supervisor = self._supervisor(origin)
        except OSError as error:
            origin.end()
            raise _no_process(error) from error
        except BaseException:
            origin.abandon()
            raise
        self._replay.begin()
        self._listener.judge = supervisor.judge
        try:
            return self._follow(supervisor)
        finally:
            origin.cut_lifeline()

    def _supervisor(self, origin: Zygote | Spawning) -> Supervisor:
        plan, terms = self._collection.plan, self._terms()
        if isinstance(origin, Spawning):
            return Supervisor.spawning(plan, origin.spawner, terms)
        return Supervisor(plan, self._page, (origin.socket, origin.pid), origin.spare, terms)

    @property
    def timed_out(self) -> bool:
        """Whether the run passed its own limit."""
        return self._listener.ending == "run_timeout"

    def conclude(self) -> bool:
        """End the session as what happened demands.

        Returns:
            True, for pytest's hook, when nothing demands an exception.
        """
        session, listener = self._session, self._listener
        kind, text, code = listener.stop or ("", "", None)
        if kind == "internal_error":
            raise WorkerInternalException(text)
        if kind == "exit":
            raise pytest.exit.Exception(text, code)
        if self.timed_out:
            source = self._settings.source("run_timeout")
            text = f"the run passed its limit of {self._settings.run_timeout:g} s ({source})"
            # The session ends with EXIT_RUN_TIMEOUT all the same; with `pytest.exit` pytest would
            # hide the failures and write no JUnit file.
            raise session.Interrupted(text)
        if listener.ending == "interrupted" or kind == "keyboard_interrupt":
            raise KeyboardInterrupt
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if kind == "should_stop" and code is not None:
            # Where the terminal looks for what it says at the end.
            session.shouldfail = text
            raise session.Failed(text)
        if session.shouldstop or kind == "should_stop":
            raise session.Interrupted(session.shouldstop or text)
        return True

    def _make_listener(self) -> Listener:
        estimates = self._collection.estimates
        progress = PlainProgress(
            self._terminal,
            nodeids=self._collection.nodeids,
            estimates=estimates,
            running=self._running,
        )
        several = self._staff.slots > 1
        self._replay = Replay(self._session, self._run_id, self._nodes, several_workers=several)
        self._progress = progress
        self._lending = Lending(self._config, progress, several_workers=several)
        return Listener(
            self._session,
            self._settings,
            self._replay,
            progress,
            nodes=self._nodes,
            limits=self._collection.limits,
            lending=self._lending,
        )

    def _running(self) -> list[tuple[int, int, float]]:
        """The tests that run now; the page is the workers' to write, so numbers are checked."""
        tests = len(self._collection.nodeids)
        return [one for one in self._page.running() if one[1] < tests]

    def _fork(self) -> Zygote | None:
        """Fork the zygote; None if workers had better be started."""
        try:
            zygote = fork_zygote(
                self._session,
                self._page,
                workers=self._staff.slots,
                run_id=self._run_id,
                fixtures=self._collection.fixtures,
                freeze=self._settings.gc_tuning,
                inputs=self._nodes.inputs,
            )
        except OSError as error:
            raise _no_process(error) from error
        reason = because_of(zygote.threads)
        if reason and self._settings.start == "auto":
            zygote.abandon()
            self._start = Start("spawn", reason)
            return None
        return zygote

    def _spawn(self) -> Spawning:
        if self._spawned is None:
            self._spawned = spawning.prepare(
                self._config,
                self._settings,
                self._page,
                self._staff,
                self._nodes,
                run_id=self._run_id,
                inherited=self._lent,
            )
        if left := spawning.untravelled(self._config):
            text = "plugins given to pytest.main() as objects cannot be handed to workers"
            self._terminal.warning(f"{text}: {', '.join(left)}")
        return self._spawned

    def _terms(self) -> Terms:
        settings = self._settings
        staff, restarts = self._staff, settings.max_worker_restarts
        keeps = settings.benchmark or settings.benchmark_json is not None
        stream = open_stream(self._terminal, "events", settings.events) if settings.events else None
        return Terms(
            workers=staff.slots,
            workers_reason=staff.reason,
            start_method=self._start.method,
            max_failures=_max_failures(self._config),
            max_restarts=_RESTARTS_PER_WORKER * staff.slots if restarts is None else restarts,
            max_retries=settings.max_retries,
            retry_delay=settings.retry_delay,
            recycle_after=settings.recycle_after,
            memory_limit=settings.memory_limit,
            scaling=None if staff.least is None else (staff.first, staff.least),
            keep_children=list(settings.keep_children),
            test_limit=settings.test_timeout,
            worker_limit=settings.worker_timeout,
            run_limit=settings.run_timeout,
            slow=settings.slow,
            elapsed=self._now(),
            given_order=self._given_order,
            asks=self._nodes.judge_crashes,
            run_id=self._run_id,
            versions=versions(),
            keep_records=keeps,
            events=stream,
            secrets=_secrets(settings) if stream is not None or keeps else [],
        )

    def _print_header(self, supervisor: Supervisor) -> None:
        for warning in self._nodes.warnings:
            self._terminal.warning(warning)
        work, bound, shares = supervisor.outlook
        timed = sum(one is not None for one in self._collection.estimates)
        plan = Plan(
            workers=self._staff.slots,
            workers_reason=self._staff.reason,
            first=self._staff.first,
            least=self._staff.least,
            start_method=self._start.method,
            start_reason=self._start.reason,
            tests=len(self._session.items),
            timed=timed,
            estimate=work if timed else None,
            bound=bound if timed else None,
        )
        told = self._terminal.verbosity > 0
        lines = [header_line(plan)]
        lines += [f"concurrent: {text}" for text, always in self._remarks if always or told]
        if told and self._staff.least is None:
            named = [(f"gw{slot}", tests, time) for slot, (tests, time) in enumerate(shares)]
            lines += share_lines(named)
        self._terminal.header(lines)

    def _follow(self, supervisor: Supervisor) -> Outcome:
        """Replay messages until the run is over. Whatever happens here, the thread ends."""

        def interrupt(count: int) -> None:
            supervisor.interrupt()
            self._progress.interrupted(count, interrupts.GRACE)

        try:
            with (
                interrupts.handled(interrupt, supervisor.halt, supervisor.resume),
                self._asked.asks(supervisor.inquire),
                batched(self._config) as batch,
                patient_gc(enabled=self._settings.gc_tuning),
            ):
                self._print_header(supervisor)
                while not self._listener.ending:
                    for message in supervisor.messages():
                        self._listener.hear(message)
                        if self._session.shouldstop:  # a plugin that heard it has had enough
                            supervisor.stop()
                    if not self._lending.active:
                        self._progress.tick(self._now())
                    if batch is not None:
                        batch.release()
                    self._lending.lend(supervisor, batch)
        finally:
            if self._lending.active:
                self._lending.end()
            if not self._listener.ending:
                _end_at_once(supervisor)
            outcome = supervisor.join()
        return outcome

    def _now(self) -> float:
        return time.perf_counter() - self._began


def _secrets(settings: Settings) -> list[str]:
    from pytest_concurrent.security import known_secrets

    return known_secrets(settings.database)


def _no_process(error: OSError) -> ForkUnsafeException:
    return ForkUnsafeException(
        f"the system refuses what workers need ({error})",
        hint="See `ulimit -u` (processes) and `ulimit -n` (open files)",
    )


def _max_failures(config: pytest.Config) -> int | None:
    limits = (config.getvalue("maxfail") or None, stepwise.allowed_failures(config))
    return min((limit for limit in limits if limit is not None), default=None)


def _end_at_once(supervisor: Supervisor) -> None:
    """End every worker and hear the run out, replaying nothing: a hook here has failed."""
    supervisor.interrupt()
    supervisor.interrupt()
    while not any(message[0] == "over" for message in supervisor.messages()):
        pass
