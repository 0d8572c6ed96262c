"""The plugin of one session that we run or measure: from the options to the last report."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, Protocol

import pytest

from pytest_concurrent._engine import Outcome, Page
from pytest_concurrent.compat import forked, xdist
from pytest_concurrent.controller import doctor, order, spawning, start_method
from pytest_concurrent.controller.collection import Collection
from pytest_concurrent.controller.garbage import patient_gc
from pytest_concurrent.controller.nodes import NodeTeller
from pytest_concurrent.controller.preloading import preload
from pytest_concurrent.controller.run import (
    EXIT_RUN_TIMEOUT,
    Run,
)
from pytest_concurrent.controller.sequential import Stopwatch
from pytest_concurrent.controller.sequential_events import SequentialEvents, benchmark
from pytest_concurrent.controller.spawning import Spawning
from pytest_concurrent.controller.staffing import Staff, staff
from pytest_concurrent.controller.status import StatusSignal
from pytest_concurrent.controller.timings import TimingFiles
from pytest_concurrent.exceptions import (
    ConfigurationException,
    DatabaseTemplateException,
    ForkUnsafeException,
    SecurityException,
)
from pytest_concurrent.payload.instructions import Afresh
from pytest_concurrent.reporting import databases as told
from pytest_concurrent.reporting import files
from pytest_concurrent.reporting.doctor import Chapter
from pytest_concurrent.reporting.terminal import Terminal
from pytest_concurrent.settings import Settings


class Databases(doctor.Databases, Protocol):
    """Who gives each worker databases of its own."""

    def usual_order(self, items: Sequence[pytest.Item]) -> Sequence[pytest.Item]:
        """The order in which tests come for the sake of their databases, if nobody asks for one."""

    def turns(self, items: Sequence[pytest.Item]) -> Sequence[int]:
        """The turn of each test: 0, or more if it is to come after those of earlier turns."""

    def lend(self) -> Sequence[int]:
        """Descriptors by which workers that are not forked reach their databases."""

    def prepare(
        self,
        session: pytest.Session,
        workers: tuple[int, str],
        *,
        ahead: int,
        afresh: Afresh | None = None,
    ) -> tuple[tuple[int, str], Sequence[tuple[str, bool]]]:
        """Get ready for workers that are about to start.

        Args:
            session: The session, collected.
            workers: How many there are to be at most, and why.
            ahead: How many of them start at once.
            afresh: How processes are started for that; None = this one may be forked.

        Returns:
            How many there may be, and why; lines for the header, each with whether it is shown
            without ``-v`` too.
        """

    def prepare_here(self, session: pytest.Session) -> None:
        """Get ready for tests that run in this process after all."""

    def finish(self) -> dict[str, Any]:
        """Drop what the run made, when no worker is left; what was done. May be called again."""


class ConcurrentSession:
    """Collects once, runs elsewhere, reports here.

    Args:
        config: pytest's configuration.
        settings: What was asked for. Without concurrency tests are measured in pytest's own loop.
        began: When the run began, by `time.perf_counter`.
        run_id: The run's id.
        databases: Who gives each worker databases of its own; None = nobody does.
    """

    def __init__(
        self,
        config: pytest.Config,
        settings: Settings,
        began: float,
        run_id: str,
        databases: Databases | None,
    ) -> None:
        self._config = config
        self._settings = settings
        self._began = began
        self._run_id = run_id
        self._databases = databases
        self._terminal = Terminal(config)
        self._asked = StatusSignal(self._terminal)
        if settings.enabled and settings.workers != 0:
            self._asked.install(config)
        self._timings = TimingFiles(config, settings, self._terminal)
        self._reordered = order.is_asked_for(config)
        self._outcome: Outcome | None = None
        self._run_timed_out = False
        self._stopwatch: Stopwatch | None = None
        self._events: SequentialEvents | None = None
        self._benchmark: tuple[str, list[str]] | None = None
        self._databases_report: dict[str, Any] = {}
        self._spawned: Spawning | None = None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> Generator[None]:
        """From here on this is a controller for whoever asks pytest-xdist.

        Workers that are to be spawned anyway collect while this process does.
        """
        settings = self._settings
        on_workers = settings.enabled and settings.workers != 0
        if on_workers:
            xdist.distribute(self._config, "load")
            forked.start(session)
        yield
        if on_workers and settings.start == "spawn" and not settings.doctor:
            self._spawn_early()

    def _spawn_early(self) -> None:
        workers = staff(self._config, self._settings)
        self._spawned = self._spawning(workers)
        # Where their number moves nobody knows yet how many there are to be.
        if workers.least is None:
            self._spawned.spawner.start_early()

    def _spawning(self, workers: Staff) -> Spawning:
        return spawning.prepare(
            self._config,
            self._settings,
            Page(workers.slots),
            workers,
            NodeTeller.of(self._config, workers.slots, self._run_id),
            run_id=self._run_id,
            inherited=self._lent(),
        )

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection(self) -> Generator[None, object, object]:
        """Keep the garbage collector from looking at every test again and again."""
        forks = self._settings.enabled and self._settings.workers != 0
        with patient_gc(enabled=self._settings.gc_tuning and forks):
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> Generator[None]:
        """See whether a plugin puts the tests in an order of its own; then keep this shard's."""
        before = items.copy()
        yield
        usual = before if self._databases is None else self._databases.usual_order(before)
        self._reordered = self._reordered or order.was_changed(usual, items)
        if self._settings.shard is not None:
            self._keep_shard(config, items)

    def _keep_shard(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        shard = self._settings.shard
        assert shard is not None
        # Only what every machine was given may decide, not what this one measured by itself.
        history = self._timings.history
        collection = Collection(items, self._settings, history, imported_only=True)
        kept, digest = collection.plan.shard(shard.index, shard.count)
        chosen = set(kept)
        deselected = [item for number, item in enumerate(items) if number not in chosen]
        self._timings.shard_digest = digest
        if deselected:
            config.hook.pytest_deselected(items=deselected)
            items[:] = [items[number] for number in kept]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Run the tests on workers; None leaves it to pytest's own loop."""
        if session.testsfailed and not session.config.option.continue_on_collection_errors:
            return None
        if session.config.option.collectonly or not session.items:
            return None
        self._print_remarks()
        if not self._settings.enabled:
            self._measure_here(session)
            return None
        if self._settings.workers == 0:
            reason = self._settings.sequential_reason or "0 workers"
            self._terminal.header([f"concurrent: sequentially, without workers: {reason}"])
            self._measure_here(session)
            return None
        try:
            run = self._prepare(session)
            self._outcome = run.run()
        except (ForkUnsafeException, SecurityException) as error:
            self._terminal.warning(f"sequentially, without workers: {error}. {error.hint}")
            self._prepare_here(session)
            self._measure_here(session)
            return None
        except BaseException:
            self._finish_databases()
            raise
        self._finish_databases()
        self._run_timed_out = run.timed_out
        return run.conclude()

    def examine(self, session: pytest.Session) -> list[Chapter]:
        """Say how the collected session would run, and run nothing."""
        collection = Collection(session.items, self._settings, self._timings.history)
        remarks = self._timings.remarks
        examination = doctor.Examination(
            session, self._settings, collection, self._databases, remarks
        )
        return examination.chapters()

    def _prepare(self, session: pytest.Session) -> Run:
        collection = Collection(session.items, self._settings, self._timings.history)
        if self._databases is not None:
            collection.set_turns(self._databases.turns(session.items))
        start, threads = self._start_method()
        workers = (
            self._spawned.staff
            if self._spawned is not None
            else staff(self._config, self._settings, collection.plan.group_count)
        )
        remarks: Sequence[tuple[str, bool]] = ()
        if self._databases is not None:
            try:
                most, remarks = self._databases.prepare(
                    session,
                    (workers.slots, workers.reason),
                    ahead=workers.first,
                    afresh=self._afresh(workers) if start.method == "spawn" and threads else None,
                )
            except ConfigurationException as error:
                raise pytest.UsageError(f"{error}. {error.hint}") from None
            workers = workers.within(*most)
        return Run(
            session,
            self._settings,
            collection,
            given_order=self._reordered,
            began=self._began,
            run_id=self._run_id,
            staff=workers,
            start=start,
            spawned=self._spawned,
            lent=self._lent(),
            asked=self._asked,
            remarks=remarks,
        )

    def _start_method(self) -> tuple[start_method.Start, Sequence[str]]:
        """How workers start, and the threads that are alive, when all is imported.

        Where databases may be built by forks of this process, a fork is tried before.
        """
        config, settings = self._config, self._settings
        preload(config, settings)
        start = start_method.choose(config, settings)
        threads = start_method.live_threads(config)
        if threads and start.method == "fork" and self._databases is not None:
            start = start_method.choose(config, settings, start_method.threads_at_a_fork(config))
        return start, threads

    def _afresh(self, workers: Staff) -> Afresh:
        if self._spawned is None:
            self._spawned = self._spawning(workers)
        return self._spawned.afresh

    def _lent(self) -> Sequence[int]:
        return self._databases.lend() if self._databases is not None else ()

    def _prepare_here(self, session: pytest.Session) -> None:
        """Fixtures without Django give databases in this process too; to its end."""
        if self._databases is not None:
            try:
                self._databases.prepare_here(session)
            except DatabaseTemplateException as error:
                self._terminal.warning(f"{error}. {error.hint}")

    def _finish_databases(self) -> None:
        if self._databases is not None:
            report = self._databases_report = self._databases.finish()
            for line in told.problems(report):
                self._terminal.warning(line)
            if self._terminal.verbosity > 0:
                for line in told.summary(report):
                    self._terminal.between_tests(line)

    def _measure_here(self, session: pytest.Session) -> None:
        xdist.distribute(self._config, "no")
        self._stopwatch = Stopwatch(self._timings.history)
        self._config.pluginmanager.register(self._stopwatch, "pytest_concurrent_stopwatch")
        if self._settings.events or self._wants_benchmark:
            self._events = SequentialEvents(self._stopwatch, len(session.items))
            self._config.pluginmanager.register(self._events, "pytest_concurrent_events")

    @property
    def _wants_benchmark(self) -> bool:
        return self._settings.benchmark or self._settings.benchmark_json is not None

    def _print_remarks(self) -> None:
        for warning in [*self._settings.warnings, *self._timings.remarks]:
            self._terminal.warning(warning)
        shard, digest = self._settings.shard, self._timings.shard_digest
        if shard is not None:
            lines = [f"concurrent: shard {shard.index} of {shard.count}, split {digest}"]
            self._terminal.header(lines)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Keep what was measured, and write the files that were asked for."""
        if self._spawned is not None:
            # After a run nobody is left; a session that ended before lets go of them here.
            self._spawned.abandon()
        if self._run_timed_out:
            session.exitstatus = EXIT_RUN_TIMEOUT
        if self._outcome is not None:
            self._outcome.record(self._timings.history)
        if self._outcome is not None or self._stopwatch is not None:
            self._timings.save()
        if self._events is not None:
            self._write_events(self._events.finish(session))
        elif self._outcome is not None:
            self._conclude_outcome(self._outcome)
        if self._benchmark is not None and self._settings.benchmark_json is not None:
            path = self._settings.benchmark_json
            files.save(self._terminal, "benchmark report", path, self._benchmark[0])

    def _write_events(self, stream: bytes) -> None:
        if self._settings.events is not None:
            files.save(self._terminal, "events", self._settings.events, stream)
        if self._wants_benchmark:
            self._benchmark = benchmark(stream)

    def _conclude_outcome(self, outcome: Outcome) -> None:
        if outcome.events_error is not None:
            self._terminal.warning(f"events file incomplete: {outcome.events_error}")
        if self._wants_benchmark:
            report = self._databases_report
            self._benchmark = (
                told.with_databases(outcome.benchmark_json(), report),
                told.lines_with_databases(outcome.benchmark_lines(), report),
            )

    def pytest_unconfigure(self) -> None:
        """Let go of the databases of a session that ran nothing, or ran it here."""
        if self._databases is not None:
            self._databases.finish()

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self) -> None:
        """Print the benchmark report."""
        if self._settings.benchmark and self._benchmark is not None:
            self._terminal.section("benchmark", self._benchmark[1])


def start(
    config: pytest.Config,
    settings: Settings,
    began: float,
    run_id: str,
    databases: Databases | None,
) -> None:
    """Make this session a concurrent one."""
    session = ConcurrentSession(config, settings, began, run_id, databases)
    config.pluginmanager.register(session, doctor.EXAMINER)
