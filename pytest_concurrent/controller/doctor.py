"""How a suite would run, and why: the decisions of a run, by the same code, none acted on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import pytest
from _pytest.main import wrap_session

from pytest_concurrent import _engine
from pytest_concurrent.compat import envwatch
from pytest_concurrent.controller import attendance, hazards
from pytest_concurrent.controller.collection import Collection
from pytest_concurrent.controller.preloading import preload
from pytest_concurrent.controller.staffing import staff
from pytest_concurrent.controller.start_method import (
    Start,
    choose,
    python_threads,
    threads_at_a_fork,
)
from pytest_concurrent.controller.versions import versions
from pytest_concurrent.reporting.doctor import Chapter, Finding, Grade, show
from pytest_concurrent.reporting.units import counted, duration
from pytest_concurrent.settings import Settings


class Databases(Protocol):
    """Who gives each worker databases of its own."""

    def examine(
        self, session: pytest.Session, workers: tuple[int, str]
    ) -> tuple[tuple[int, str], list[Finding]]:
        """Say what there is and what a run would do; make nothing.

        Args:
            session: The session, collected.
            workers: How many there are to be, and why.

        Returns:
            How many there could be, and why; what was found.
        """


#: The name of the plugin that would run the session, and knows how: it has a method `examine`.
EXAMINER = "pytest_concurrent_session"


def run(config: pytest.Config, why_not: Callable[[], str]) -> int | pytest.ExitCode:
    """Collect, examine, and say what was found, instead of running tests.

    Args:
        config: pytest's configuration.
        why_not: Says why nobody would run the session on workers, if nobody would.

    Returns:
        The exit code: 1 if something would refuse or fall back, 5 if there are no tests.
    """

    def session_main(config: pytest.Config, session: pytest.Session) -> int | pytest.ExitCode:
        config.hook.pytest_collection(session=session)
        if session.testsfailed and not config.option.continue_on_collection_errors:
            raise session.Interrupted(f"{counted(session.testsfailed, 'error')} during collection")
        # What ends the session now, plugins that keep results among it, has nothing to keep.
        config.option.collectonly = True
        examiner: Any = config.pluginmanager.get_plugin(EXAMINER)
        if examiner is None:
            chapters = [Chapter("Conclusion", [Finding("sequential", why_not(), Grade.REFUSED)])]
        else:
            chapters = examiner.examine(session)
        show(config, chapters)
        if any(one.grade is Grade.REFUSED for chapter in chapters for one in chapter.findings):
            return pytest.ExitCode.TESTS_FAILED
        return pytest.ExitCode.OK if session.items else pytest.ExitCode.NO_TESTS_COLLECTED

    return wrap_session(config, session_main)


@dataclass(frozen=True)
class Examination:
    """Looks at one collected session.

    Args:
        session: The session.
        settings: What was asked for.
        collection: The plan.
        databases: Who gives each worker databases of its own; None = nobody does.
        remarks: What else there is to say.
    """

    session: pytest.Session
    settings: Settings
    collection: Collection
    databases: Databases | None
    remarks: list[str]

    def chapters(self) -> list[Chapter]:
        """What was found, the conclusion last."""
        crew = staff(self.session.config, self.settings, self.collection.plan.group_count)
        config, settings = self.session.config, self.settings
        preload(config, settings)
        native = threads_at_a_fork(config)
        chosen = choose(config, settings, native)
        start = [self._start(chosen), *self._hazards(native)]
        stored: list[Finding] = []
        if self.databases is not None:
            most, stored = self.databases.examine(self.session, (crew.slots, crew.reason))
            crew = crew.within(*most)
        workers = crew.first, crew.reason
        chapters = [
            Chapter("Suite", list(self._suite())),
            Chapter("Workers", list(self._workers(workers))),
            Chapter("Start", start),
            Chapter("Plugins", attendance.findings(self.session.config)),
        ]
        if stored:
            chapters.append(Chapter("Databases", stored))
        said = (*self.settings.warnings, *self.remarks)
        if said:
            chapters.append(Chapter("Warnings", [Finding("", text, Grade.NOTE) for text in said]))
        return [
            *chapters,
            Chapter("Conclusion", [self._conclusion(workers, chosen, [*start, *stored])]),
        ]

    def _suite(self) -> Iterator[Finding]:
        told = versions()
        yield Finding("versions", ", ".join(f"{name} {told[name]}" for name in told))
        yield Finding("tests", f"{len(self.session.items):,} collected")
        known = [one for one in self.collection.estimates if one is not None]
        if known:
            yield Finding(
                "timings", f"of {counted(len(known), 'test')}, {duration(sum(known))} of work"
            )
        else:
            yield Finding("timings", "none yet: the first run goes in file order and measures")

    def _workers(self, workers: tuple[int, str]) -> Iterator[Finding]:
        count, reason = workers
        yield Finding(counted(count, "worker"), reason, Grade.FINE)
        groups = self.collection.plan.group_count
        for bound, text in _engine.worker_bounds(groups):
            yield Finding(f"  up to {bound:,}", text)

    def _start(self, chosen: Start) -> Finding:
        asked = f"asked for: {self.settings.start} ({self.settings.source('start')})"
        if self.settings.workers == 0:
            reason = self.settings.sequential_reason or "0 workers"
            return Finding("sequential", f"without workers: {reason}", Grade.REFUSED)
        if chosen.method == "fork":
            return Finding("fork", f"{asked}; nothing stands in its way", Grade.FINE)
        if self.settings.start == "spawn":
            return Finding("spawn", asked, Grade.FINE)
        return Finding("spawn", f"{asked}; {chosen.reason}", Grade.NOTE)

    def _hazards(self, native: tuple[str, ...]) -> Iterator[Finding]:
        threads = python_threads(self.session.config)
        yield _hazard("Python threads", threads, "a fork leaves them behind: {}")
        yield _hazard("native threads", native, "a fork leaves them behind: {}")
        early = tuple(map(str, envwatch.readings()))
        unread = "PYTEST_XDIST_WORKER and its like were not read while modules were imported"
        yield _hazard("early reading", early, "{}, so all workers would share the answer", unread)
        shared = tuple(hazards.open_sockets())
        yield _hazard("open sockets", shared, "every worker inherits them: {}")
        graphics = hazards.graphics_device()
        text, unused = "{}: unusable after a fork", "CUDA is not in use"
        yield _hazard("graphics", (graphics,) if graphics else (), text, unused)

    def _conclusion(
        self, workers: tuple[int, str], chosen: Start, decisive: list[Finding]
    ) -> Finding:
        tests = counted(len(self.session.items), "test")
        refused = [one.text for one in decisive if one.grade is Grade.REFUSED]
        if not self.session.items:
            return Finding("nothing to run", "no test was collected", Grade.NOTE)
        if refused:
            return Finding(tests, "would not run as asked for, see ✗ above", Grade.REFUSED)
        how = "forked" if chosen.method == "fork" else "spawned"
        return Finding(tests, f"would run on {counted(workers[0], 'worker')}, {how}", Grade.FINE)


def _hazard(name: str, found: tuple[str, ...], text: str, without: str = "none") -> Finding:
    if not found:
        return Finding(name, without, Grade.FINE)
    return Finding(name, text.format(", ".join(dict.fromkeys(found))), Grade.NOTE)
