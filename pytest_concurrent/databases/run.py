"""The databases of one run, as the controller's session sees them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Protocol

import pytest

from pytest_concurrent.databases import builder, examination
from pytest_concurrent.databases.capacity import fitting
from pytest_concurrent.databases.cleaning import Cleaning, has_consent
from pytest_concurrent.databases.folder import state_folder
from pytest_concurrent.databases.forked import ForkedMakers
from pytest_concurrent.databases.fresh import start_builder
from pytest_concurrent.databases.keeper import Door, Keeper, start_keeper
from pytest_concurrent.databases.making import Making, Order
from pytest_concurrent.databases.preparation import Found, Means, Preparation
from pytest_concurrent.databases.recipe import Recipe
from pytest_concurrent.databases.survey import Look, Survey
from pytest_concurrent.exceptions import (
    ConfigurationException,
    DatabaseTemplateException,
    SecurityException,
    UnsupportedDatabase,
)
from pytest_concurrent.payload.instructions import Afresh
from pytest_concurrent.reporting import cleaning as told
from pytest_concurrent.reporting.doctor import Finding
from pytest_concurrent.settings import Settings

#: Seconds for everything that is dropped after the run; what is left then is dropped by the next.
_CLEAN_UP = 30.0


class Provider(Protocol):
    """Who knows databases that tests use: Django's settings, or our own ini keys."""

    #: Whether its databases are ours to give where there are no workers too.
    serves_without_workers: bool

    def usual_order(self, items: Sequence[pytest.Item]) -> Sequence[pytest.Item]:
        """The order in which tests come for the sake of its databases, if nobody asks for one."""

    def turn(self, item: pytest.Item) -> int:
        """0, or more for a test that is to come after those of earlier turns."""

    def recipes(self, session: pytest.Session) -> Sequence[Recipe]:
        """The databases that the collected tests need.

        Raises:
            SecurityException: They may not be opened; the run is to be sequential.
            UnsupportedDatabase: One cannot be cloned, and the user demands that.
        """

    def all_recipes(self) -> Sequence[Recipe]:
        """Every database that it knows how to reach."""

    def fallbacks(self) -> Sequence[str]:
        """Which databases are left to the project, and why, one sentence each."""

    def remarks(self) -> Sequence[str]:
        """What else is to be said."""

    def worker_plugin(self, door: Door) -> object:
        """A plugin whose hooks let workers use clones."""

    def let_go(self) -> None:
        """End what this process itself has to do with clones."""


class Databases:
    """Keeper, builder and templates of one run.

    Args:
        config: pytest's configuration.
        settings: What was asked for.
        providers: Who knows databases.
        run_id: The run's id.
        began_ns: When this process began to import the project, in nanoseconds since 1970.
    """

    def __init__(
        self,
        config: pytest.Config,
        settings: Settings,
        providers: Sequence[Provider],
        run_id: str,
        began_ns: int,
    ) -> None:
        self._began_ns = began_ns
        self._config = config
        self._settings = settings
        self._providers = providers
        self._folder = state_folder(config)
        self._door: Door | None = start_keeper(
            self._folder / "journals",
            run_id,
            max_retries=settings.max_retries,
            retry_delay=settings.retry_delay,
        )
        self._keeper: Keeper | None = None
        self._builder = 0
        self._project = ""
        self._is_lent = False
        self._only_looks = False

    def lend(self) -> list[int]:
        """The descriptors by which workers that are not forked reach the keeper."""
        self._is_lent = self._door is not None
        return [self._door.fileno()] if self._door is not None else []

    def usual_order(self, items: Sequence[pytest.Item]) -> Sequence[pytest.Item]:
        """The order in which tests come for the sake of their databases, if nobody asks for one."""
        for one in self._providers:
            items = one.usual_order(items)
        return items

    def turns(self, items: Sequence[pytest.Item]) -> list[int]:
        """The turn of each test: 0, or more if it is to come after those of earlier turns."""
        return [max(one.turn(item) for one in self._providers) for item in items]

    def prepare(
        self,
        session: pytest.Session,
        workers: tuple[int, str],
        *,
        ahead: int,
        afresh: Afresh | None = None,
    ) -> tuple[tuple[int, str], list[tuple[str, bool]]]:
        """Find the templates of what the collected tests need, and have the others built.

        To be called after collection. Workers may start right afterwards: who needs a database that
        is not ready waits for it.

        Args:
            session: The session, collected.
            workers: How many slots there are to be, and what set the number.
            ahead: How many workers start at once: so many clones are made ahead, and then one for
                each that comes.
            afresh: How processes are started that build what there is not; None = they are forks of
                this one, which has no other thread.

        Returns:
            How many there may be, which a server can limit, and what set it; lines for the header,
            each with whether it is for everybody or for those who ask.

        Raises:
            SecurityException: Databases may not be opened, or not be made.
            ConfigurationException: There are no clones, and the user demands them.
        """
        try:
            return self._prepare(session, workers, ahead, afresh)
        except SecurityException:
            raise
        except DatabaseTemplateException as error:
            if self._demands_clones:
                raise ConfigurationException(
                    f"--concurrent-db=clone ({self._settings.source('db')}): {error}",
                    hint=error.hint,
                ) from error
            self._let_go()
            return workers, [(f"databases are set up once per worker: {error}", True)]

    def prepare_here(self, session: pytest.Session) -> None:
        """Prepare what is ours to give where tests run in this very process.

        Raises:
            DatabaseTemplateException: It could not be prepared.
        """
        if not self._builder:
            self._providers = [one for one in self._providers if one.serves_without_workers]
            self._prepare(session, (1, "no workers"), 1)

    def _prepare(
        self,
        session: pytest.Session,
        workers: tuple[int, str],
        ahead: int,
        afresh: Afresh | None = None,
    ) -> tuple[tuple[int, str], list[tuple[str, bool]]]:
        survey = self._survey(session, workers)
        lines = [(remark, True) for remark in (*survey.fallbacks, *survey.remarks)]
        if not survey.recipes or self._door is None or self._keeper is None:
            self._let_go()
            return workers, lines
        clones = min(ahead, survey.workers[0])
        orders = [look.order(clones) for look in survey.looks if look.is_to_be_built]
        for look in survey.looks:
            self._introduce(look, clones)
            # Who waits for a template that is being built wants to know why.
            lines.append((look.line, look.is_to_be_built))
            if look.found is not None:
                lines += [(remark, True) for remark in look.found.remarks]
        self._builder = self._start_builder(survey, orders, clones, afresh)
        for one in self._providers:
            self._config.pluginmanager.register(one.worker_plugin(self._door))
        return survey.workers, lines

    def _start_builder(
        self, survey: Survey, orders: list[Order], clones: int, afresh: Afresh | None
    ) -> int:
        assert self._door is not None
        assert self._keeper is not None
        if afresh is not None:
            return start_builder(orders, self._door, afresh, clones=clones)
        making = Making(self._door, survey.recipes, self._means(), lends=True)
        one = builder.Builder(ForkedMakers(making), clones=clones)
        return builder.start_builder(one, orders, self._door, [self._keeper])

    def _survey(self, session: pytest.Session, workers: tuple[int, str]) -> Survey:
        recipes = [recipe for one in self._providers for recipe in one.recipes(session)]
        fallbacks = [reason for one in self._providers for reason in one.fallbacks()]
        remarks = [remark for one in self._providers for remark in one.remarks()]
        survey = Survey(recipes, [], fallbacks, remarks, workers)
        if recipes and self._door is not None:
            self._project = recipes[0].project
            self._keeper = self._keeper or self._door.enter("controller")
            means = self._means()
            survey.looks = [self._look(recipe, means) for recipe in recipes]
            survey.workers = fitting(workers, survey.found)
        return survey

    def examine(
        self, session: pytest.Session, workers: tuple[int, str]
    ) -> tuple[tuple[int, str], list[Finding]]:
        """Say what `prepare` would find and do, make nothing, and let go of everything.

        Args:
            session: The session, collected.
            workers: How many slots there are to be, and what set the number.

        Returns:
            How many there could be, and what sets it; what was found.
        """
        self._only_looks = True
        try:
            survey = self._survey(session, workers)
            return survey.workers, list(examination.findings(survey))
        except DatabaseTemplateException as error:
            return workers, [examination.refusal(error, demands_clones=self._demands_clones)]
        finally:
            self._let_go()

    @property
    def _demands_clones(self) -> bool:
        return self._settings.db == "clone"

    def _means(self) -> Means:
        return means(self._config, self._settings, self._began_ns, only_looks=self._only_looks)

    def _look(self, recipe: Recipe, means: Means) -> Look:
        assert self._keeper is not None
        preparation = Preparation(recipe, self._keeper, means)
        look = Look(recipe.alias, recipe.vendor, recipe.fingerprint())
        try:
            look.found = preparation.find(preparation.open())
            _check_rights(look.found)
        except SecurityException:
            raise
        except UnsupportedDatabase as error:
            look.problem = f"through the project's own driver: {error}"
            look.has_way = True
        except DatabaseTemplateException as error:
            # The tests that need it say so, as in a sequential run.
            look.problem = str(error)
        except Exception as error:  # code of the project that the look-up runs through
            look.problem = f"{type(error).__name__}: {error}"
        return look

    def _introduce(self, look: Look, clones: int) -> None:
        """Let the keeper know what workers will ask for."""
        assert self._keeper is not None
        names = {"alias": look.alias, "fingerprint": look.fingerprint}
        self._keeper.request("announce", clones=clones, **names)  # type: ignore[arg-type]
        if look.found is not None and look.found.template is not None:
            self._keeper.request(
                "settle",
                clones=clones,
                server=look.found.server,
                template=look.found.template,
                **names,  # type: ignore[arg-type]
            )

    def clean(self) -> int:
        """Show what of ours is on the servers, and drop what may go after a yes: an exit code."""
        assert self._door is not None
        self._keeper = self._door.enter("controller")
        try:
            recipes = [recipe for one in self._providers for recipe in one.all_recipes()]
            cleaning = Cleaning(recipes, self._keeper, self._means())
            going = told.show(self._config, cleaning.found, cleaning.problems)
            if told.is_agreed(self._config, going, consent=has_consent(self._config)):
                dropped, failed = cleaning.drop()
                told.tell(self._config, dropped, failed)
                return 1 if failed else 0
            return 1 if cleaning.problems else 0
        finally:
            # Not by `finish`, which drops what dead runs left without asking anybody.
            self._let_go()

    def finish(self) -> dict[str, Any]:
        """Drop what the run made, and what dead runs left; nothing of anybody else.

        To be called when no worker runs any more.

        Returns:
            What was done, as the keeper says it.
        """
        report: dict[str, Any] = {}
        for one in self._providers:
            one.let_go()
        if self._keeper is not None:
            try:
                report = self._keeper.request(
                    "finish",
                    wait=_CLEAN_UP,
                    project=self._project,
                    keep_templates=self._settings.db_keep_templates,
                    keep_days=self._settings.db_keep_days,
                )
            except DatabaseTemplateException as error:
                report = {"failed": [f"{error}. {error.hint}"]}
        self._let_go()
        return report

    def _let_go(self) -> None:
        """End the conversation and wait for the processes, each of which ends by itself."""
        if self._is_lent and self._door is not None and self._keeper is None:
            # Workers hold the door too: the keeper does not see from it that nobody comes.
            with suppress(DatabaseTemplateException):
                self._keeper = self._door.enter("controller")
                self._keeper.request("finish", wait=_CLEAN_UP)
        if self._keeper is not None:
            self._keeper.close()
            self._keeper = None
        if self._door is not None:
            self._door.close()
            for pid in (self._builder, self._door.pid):
                if pid:
                    _await_end(pid, _CLEAN_UP)
            self._door, self._builder = None, 0


def means(
    config: pytest.Config, settings: Settings, began_ns: int, *, only_looks: bool = False
) -> Means:
    """What preparations of templates need.

    Args:
        config: pytest's configuration.
        settings: What was asked for.
        began_ns: When this process began to import the project, in nanoseconds since 1970.
        only_looks: Whether nothing is to be written.
    """
    folder = state_folder(config)
    return Means(
        manifests=folder / "manifests",
        root=config.rootpath,
        cache=settings.db_cache,
        rebuild=settings.db_rebuild or bool(config.getoption("create_db", False)),
        ignored=(str(folder),),
        began_ns=began_ns,
        only_looks=only_looks,
    )


def _check_rights(found: Found) -> None:
    if not found.facts.get("may_create", True):
        raise SecurityException(
            "the tests' database role may not create databases",
            hint=f"An administrator can allow it: {found.facts.get('grant', '')}",
        )


def _await_end(pid: int, patience: float) -> None:
    """Reap a child, ending it if it does not end by itself."""
    until = time.monotonic() + patience
    pause = 0.001
    while time.monotonic() < until:
        with suppress(ChildProcessError):
            if os.waitpid(pid, os.WNOHANG) == (0, 0):
                time.sleep(pause)
                pause = min(2 * pause, 0.05)
                continue
        return
    with suppress(ProcessLookupError, ChildProcessError):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
