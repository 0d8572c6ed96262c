"""What a test finds in the database, whichever tests ran before it on this worker.

Django empties the tables after each transactional test, and pytest-django has all others run first.
Workers take tests in any order, so what Django's order gives is made here, test by test:

- A test that is not transactional, and one with ``serialized_rollback``, finds what the set-up
  left: the rows that migrations made, and those that fixtures of session scope committed, an
  override of ``django_db_setup`` for example. What other fixtures committed goes with the next
  transactional test, as in Django's order.
- A transactional test finds what Django's order gives it: empty tables, but for what
  ``post_migrate`` makes, and for the first such test of the session, which finds what the set-up
  left.
- With ``--concurrent-db=fresh`` a transactional test finds what the set-up left, too, and nothing
  is emptied after it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Generator, Iterable
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections
from django.test import TestCase, TransactionTestCase

from pytest_concurrent.django.access import unblocked
from pytest_concurrent.django.attach import Attached, Clones, fail_test
from pytest_concurrent.exceptions import DatabaseTemplateException

#: First words of statements that change nothing.
_READS = frozenset({"select", "show", "explain", "pragma", "set", "savepoint", "release", "values"})

#: What makes a SELECT change something all the same: sequences.
_WRITING_SELECTS = ("setval", "nextval")


class Reset:
    """Puts databases back between tests.

    Args:
        config: pytest's configuration.
        clones: The worker's clones.
        fresh: Whether a transactional test has a clone of its own.
    """

    def __init__(self, config: pytest.Config, clones: Clones, *, fresh: bool) -> None:
        self._config = config
        self._clones = clones
        self._fresh = fresh
        self._bare: set[str] = set()
        self._item: pytest.Item | None = None
        #: Aliases whose databases a transactional test had since they were as the set-up left them.
        self._touched: set[str] = set()
        #: Aliases of databases whose set-up state cannot be brought back, with the reason.
        self._lost: dict[str, str] = {}
        #: Whether a transactional test has its databases now.
        self._busy = False
        self._depth = 0
        self._written: set[str] = set()
        self._spies: dict[str, Callable[..., Any]] = {}
        self._first: dict[str, pytest.Item] | None = None
        clones.on_attached = self._attached

    def install(self) -> None:
        """Have Django's test cases ask first. To be called once in a process."""
        enter_atomics = vars(TestCase)["_enter_atomics"].__func__

        @functools.wraps(enter_atomics)
        def entering(case: type[TestCase]) -> Any:
            self._restore(case._databases_names())
            return enter_atomics(case)

        TestCase._enter_atomics = classmethod(entering)
        self._install_pre_setup()
        if self._fresh:
            self._install_teardown()

    def _install_pre_setup(self) -> None:
        stock = vars(TransactionTestCase)["_pre_setup"]
        function = stock.__func__ if isinstance(stock, classmethod) else stock

        @functools.wraps(function)
        def pre_setup(case: Any) -> Any:
            kind = case if isinstance(case, type) else type(case)
            if not issubclass(kind, TestCase):
                self._before_transactional(kind)
            return function(case)

        # From Django 5.2 on it is a method of the class.
        wrapped: Any = classmethod(pre_setup) if isinstance(stock, classmethod) else pre_setup
        TransactionTestCase._pre_setup = wrapped

    def _install_teardown(self) -> None:
        stock = TransactionTestCase._fixture_teardown

        @functools.wraps(stock)
        def fixture_teardown(case: TransactionTestCase) -> None:
            if isinstance(case, TestCase):
                stock(case)
                return
            names = type(case)._databases_names(include_mirrors=False)
            others = [alias for alias in names if self._clones.of(alias) is None]
            # The next test gets another clone, or this one filled anew.
            vars(case)["_databases_names"] = lambda include_mirrors=True: others
            try:
                stock(case)
            finally:
                del vars(case)["_databases_names"]

        TransactionTestCase._fixture_teardown = fixture_teardown

    def before_test(self, item: pytest.Item) -> None:
        """Put back what a test needs before any fixture is set up for it.

        Fixtures of a class or module may commit rows that have to be there afterwards.

        Args:
            item: The test.
        """
        self._item = item
        self._busy = False
        if self._touched:
            aliases, transactional = uses(item)
            if not transactional:
                with unblocked(self._config):
                    self._restore(aliases)

    def _restore(self, aliases: Iterable[str]) -> None:
        """Bring back what the set-up left, where transactional tests were since."""
        for attached in self._clones.of_all(aliases):
            if attached.alias not in self._touched or attached.connection.in_atomic_block:
                continue
            if attached.alias in self._lost:
                self._warn_once(attached)
                continue
            try:
                if attached.file is not None:
                    self._clones.refill(attached)
                else:
                    self._clones.exchange(attached)
            except DatabaseTemplateException as error:
                fail_test(error)
            self._touched.discard(attached.alias)

    def _before_transactional(self, kind: type[TransactionTestCase]) -> None:
        self._busy = True
        for attached in self._clones.of_all(kind._databases_names(include_mirrors=False)):
            first = self._is_first(attached)
            if self._fresh or kind.serialized_rollback or first:
                self._restore(attached.aliases)
            elif first is False and (
                attached.alias not in self._touched or attached.alias in self._bare
            ):
                _empty(attached)
            # After a serialized rollback Django flushes without its signal, and what that makes,
            # permissions for example, is missing for whichever test happens to come next.
            (self._bare.add if kind.serialized_rollback else self._bare.discard)(attached.alias)
            # From here on, not from the flush on: a teardown may fail before it comes to that.
            self._touched.add(attached.alias)

    def _is_first(self, attached: Attached) -> bool | None:
        """Whether Django's order has no transactional test on this database before this one.

        None where nobody can know: a test that asks for the fixture while it runs.
        """
        if self._item is None or not uses(self._item)[1]:
            return None
        first = self._first_tests(self._item.session)
        return any(first.get(alias) is self._item for alias in attached.aliases)

    def _first_tests(self, session: pytest.Session) -> dict[str, pytest.Item]:
        """The first transactional test by alias."""
        if self._first is None:
            self._first = _first_transactional(session.items)
        return self._first

    @contextmanager
    def session_fixture(self) -> Generator[None]:
        """While a fixture of session scope is set up: what it commits is part of the set-up."""
        self._depth += 1
        if self._depth == 1:
            if self._touched and not self._busy:
                with unblocked(self._config):
                    self._restore(sorted(self._touched))
            for attached in self._clones:
                self._spy(attached)
        try:
            yield
        finally:
            self._depth -= 1
            if self._depth == 0:
                self._end_of_session_fixture()

    def _attached(self, attached: Attached) -> None:
        self._touched.discard(attached.alias)
        self._lost.pop(attached.alias, None)
        if self._depth:
            self._spy(attached)

    def _spy(self, attached: Attached) -> None:
        for alias in attached.aliases:
            if alias in self._spies:
                continue

            def look(execute: Any, sql: Any, *arguments: Any, primary: str = attached.alias) -> Any:
                if _may_write(sql):
                    self._written.add(primary)
                return execute(sql, *arguments)

            self._spies[alias] = look
            connections[alias].execute_wrappers.append(look)

    def _end_of_session_fixture(self) -> None:
        for alias, look in self._spies.items():
            with suppress(ValueError):
                connections[alias].execute_wrappers.remove(look)
        self._spies.clear()
        written, self._written = self._written, set()
        for attached in self._clones.of_all(sorted(written)):
            # In a transaction nothing was committed; after a transactional test the set-up's state
            # is not there to be kept.
            if attached.connection.in_atomic_block or attached.alias in self._touched:
                continue
            with unblocked(self._config):
                self._keep(attached)

    def _keep(self, attached: Attached) -> None:
        if attached.file is None and not self._will_be_touched(attached):
            self._lost[attached.alias] = "no transactional test was expected"
            return
        try:
            self._clones.keep_state(attached)
        except DatabaseTemplateException as error:
            self._lost[attached.alias] = str(error)

    def _will_be_touched(self, attached: Attached) -> bool:
        """Whether a transactional test is known; keeping a server's database takes a while."""
        if self._item is None:
            return True
        return not set(attached.aliases).isdisjoint(self._first_tests(self._item.session))

    def _warn_once(self, attached: Attached) -> None:
        why = self._lost[attached.alias]
        if not why or self._item is None:
            return
        self._lost[attached.alias] = ""
        message = pytest.PytestWarning(
            f"a fixture of session scope wrote to database {attached.alias!r}, and what it wrote "
            f"could not be kept ({why}): tests that come after a transactional test on this "
            "worker find the tables as Django leaves them, empty"
        )
        # With -W error it would be raised, in a test that may be fine.
        with suppress(pytest.PytestWarning):
            self._item.warn(message)


def uses(item: pytest.Item) -> tuple[Collection[str], bool]:
    """Which databases a test uses and whether it is transactional, as pytest-django sees it.

    Args:
        item: The test.
    """
    kind = getattr(item, "cls", None)
    if isinstance(kind, type) and issubclass(kind, TransactionTestCase):
        case: Any = kind
        return case._databases_names(), not issubclass(kind, TestCase)
    names = set(getattr(item, "fixturenames", ()))
    transactional = bool(names & {"transactional_db", "live_server", "django_db_reset_sequences"})
    databases: Any = None
    mark = item.get_closest_marker("django_db")
    if mark is not None:
        from pytest_django.fixtures import validate_django_db

        told = validate_django_db(mark)
        transactional = transactional or bool(told[0] or told[1])
        databases = told[2]
    elif not transactional and "db" not in names:
        return (), False
    if databases is None:
        return ("default",), transactional
    return tuple(connections) if databases == "__all__" else tuple(databases), transactional


def _first_transactional(items: Iterable[pytest.Item]) -> dict[str, pytest.Item]:
    first: dict[str, pytest.Item] = {}
    for item in items:
        aliases, transactional = uses(item)
        if transactional:
            for alias in aliases:
                first.setdefault(alias, item)
    return first


def _empty(attached: Attached) -> None:
    """As Django does after the transactional test that its order has before this one."""
    call_command(
        "flush",
        verbosity=0,
        interactive=False,
        database=attached.alias,
        reset_sequences=False,
        allow_cascade=False,
        inhibit_post_migrate=False,
    )


def _may_write(sql: object) -> bool:
    text = str(sql).lstrip(" \n\t(").lower()
    first = text.split(None, 1)[0].rstrip(";") if text else ""
    return first not in _READS or any(word in text for word in _WRITING_SELECTS)
