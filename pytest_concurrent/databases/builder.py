"""The builder: a copy of the collected session that builds templates, each in a process of its own.

It is forked after collection, because tests may define what belongs into a database (models in test
modules), and it never runs a test, so that each template is made from the same clean state.
"""

from __future__ import annotations

import os
import select
import signal
import stat
import sys
import tempfile
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any, NoReturn

from pytest_concurrent import _engine
from pytest_concurrent.databases.keeper import Door, Keeper, hold_no_core
from pytest_concurrent.databases.preparation import Found, Means, Preparation
from pytest_concurrent.databases.recipe import Recipe
from pytest_concurrent.exceptions import DatabaseTemplateException, UnsupportedDatabase

#: Lines of a failed build's output that are told.
_TAIL = 20


@dataclass(frozen=True)
class Order:
    """A template to prepare.

    Attributes:
        alias: Whose.
        fingerprint: Of the settings.
        settings: Those settings; None = as they are in this process.
        clones: How many clones to make ahead.
    """

    alias: str
    fingerprint: str
    settings: dict[str, Any] | None = None
    clones: int = 1


class Builder:
    """Prepares templates as they are asked for.

    Args:
        door: Where the keeper is reached.
        recipes: Every database of the run.
        means: What the run offers.
        clones: How many clones of each template to make ahead.
    """

    def __init__(self, door: Door, recipes: Sequence[Recipe], means: Means, *, clones: int) -> None:
        self._door = door
        self._recipes = {recipe.alias: recipe for recipe in recipes}
        self._means = means
        self._clones = clones
        self._makers: dict[int, Order] = {}
        self._lender = 0

    def fork(self, orders: Sequence[Order], inherited: Sequence[Keeper]) -> int:
        """Fork it, and return its process id.

        Args:
            orders: What to begin with.
            inherited: The conversations of this process; the child lets go of them.
        """
        pid = os.fork()
        if pid:
            return pid
        try:
            for keeper in inherited:
                keeper.close()
            self._live(orders)
        except BaseException:
            traceback.print_exc(file=sys.__stderr__)
        finally:
            os._exit(0)

    def _live(self, orders: Sequence[Order]) -> None:
        hold_no_core()
        os.setpgid(0, 0)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _let_go_of_terminal()
        died, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        listening = self._door.enter("builder")
        telling = self._door.enter("builder")
        for order in orders:
            self._start(order)
        listening.say({"op": "wait_prepare"})
        while True:
            sources: list[Any] = [listening, died]
            ready, _, _ = select.select(sources, [], [])
            if died in ready:
                os.read(died, 4096)
                self._reap(telling)
            if listening in ready:
                message = listening.next_message()
                if message is None or "over" in message.get("ok", message):
                    break
                self._start(self._order(message.get("ok", message)["prepare"]))
                listening.say({"op": "wait_prepare"})
        self._end()

    def _order(self, wanted: dict[str, Any]) -> Order:
        return Order(wanted["alias"], wanted["fingerprint"], wanted.get("settings"), self._clones)

    def _start(self, order: Order) -> None:
        pid = os.fork()
        if pid == 0:
            self._make(order)
        self._makers[pid] = order

    def _reap(self, telling: Keeper) -> None:
        """Whoever waits for a template whose maker died must hear of it."""
        while self._makers:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            order = self._makers.pop(pid, None)
            code = os.waitstatus_to_exitcode(status)
            if order is not None and code != 0:
                text = f"the process that built the template for {order.alias!r} died"
                how = f"signal {-code}" if code < 0 else f"exit status {code}"
                telling.request(
                    "fail",
                    alias=order.alias,
                    fingerprint=order.fingerprint,
                    message=f"{text} ({how})",
                    hint=DatabaseTemplateException.hint,
                )

    def _end(self) -> None:
        for pid in self._makers:
            os.kill(pid, signal.SIGKILL)
        for pid in self._makers:
            os.waitpid(pid, 0)

    def _make(self, order: Order) -> NoReturn:
        """Be a maker: prepare one template and leave."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            with tempfile.TemporaryFile() as output:
                for standard in (1, 2):
                    os.dup2(output.fileno(), standard)
                self._prepare(order, output)
            status = 0
        finally:
            os._exit(status)

    def _prepare(self, order: Order, output: IO[bytes]) -> None:
        keeper = self._door.enter("maker")
        known = [_password(self._recipes[order.alias])]

        def tell(op: str, **fields: Any) -> None:
            for name in ("message", "hint"):
                if fields.get(name):
                    fields[name] = _engine.redact(fields[name], known)
            keeper.request(op, alias=order.alias, fingerprint=order.fingerprint, **fields)

        try:
            found = self._found(order, keeper)
        except UnsupportedDatabase as error:
            tell("fail", kind="unsupported", message=str(error), hint=error.hint)
        except DatabaseTemplateException as error:
            tell("fail", message=str(error), hint=error.hint)
        except BaseException:
            text = f"the template for {order.alias!r} could not be built:\n{traceback.format_exc()}"
            hint = f"It printed:\n{_tail(output)}" if _tail(output) else None
            tell("fail", message=text, hint=hint)
        else:
            fields = {"server": found.server, "template": found.template, "clones": order.clones}
            told = {"why": found.why, "seconds": found.seconds, "remarks": found.remarks}
            tell("settle", **fields, **told)
        if self._lender:
            # A lender that outlived its parent would come to the controller as an orphan.
            os.waitpid(self._lender, 0)

    def _found(self, order: Order, keeper: Keeper) -> Found:
        recipe = self._recipes[order.alias]
        if order.settings is not None:
            recipe.apply(order.settings)
        preparation = Preparation(recipe, keeper, self._means)
        try:
            facts = preparation.open()
        except UnsupportedDatabase:
            facts = self._lend(recipe, preparation, keeper)
        return preparation.make(facts)

    def _lend(self, recipe: Recipe, preparation: Preparation, keeper: Keeper) -> dict[str, Any]:
        """Let the keeper speak through the project's own driver, in a process of its own."""
        conversation = self._door.enter("lender")
        server_facts = {"vendor": recipe.vendor, "identity": preparation.identity()}
        facts = conversation.request("borrow", server_facts=server_facts)
        self._lender = os.fork()
        if self._lender == 0:
            try:
                # It stays until the keeper goes, which waits for whoever could still come in.
                self._door.close()
                keeper.close()
                serve_statements(conversation, recipe)
            finally:
                os._exit(0)
        conversation.release()
        return facts


def _let_go_of_terminal() -> None:
    """Whoever reads our output waits until the last process that could write has closed it.

    pytest's capture keeps copies of the standard descriptors under other numbers, so every pipe
    and terminal counts: a builder has no business with any.
    """
    with open(os.devnull, "r+b") as null:
        for inherited in map(int, os.listdir("/proc/self/fd")):
            with suppress(OSError):  # the listing's own
                mode = os.fstat(inherited).st_mode
                if inherited < 3 or stat.S_ISFIFO(mode) or os.isatty(inherited):
                    os.dup2(null.fileno(), inherited)


def serve_statements(lender: Keeper, recipe: Recipe) -> None:
    """Run the keeper's statements through the project's driver until the keeper is gone."""
    with recipe.lasting():
        while (message := lender.next_message()) is not None:
            try:
                rows = recipe.sql(message["sql"], message.get("database"))
            except Exception as error:
                lender.say({"sql_error": {"code": _code(error), "message": str(error)}})
            else:
                lender.say({"rows": rows})


def _password(recipe: Recipe) -> str:
    """What must not be told, if it can be known."""
    with suppress(DatabaseTemplateException):
        return str(recipe.target().get("password") or "")
    return ""


def _code(error: Exception) -> str:
    """What the server calls an error: psycopg, psycopg2 and the drivers of MySQL say it so."""
    code = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    return str(code or (error.args[0] if error.args else ""))


def _tail(output: IO[bytes]) -> str:
    sys.stdout.flush()
    sys.stderr.flush()
    output.seek(0)
    lines = output.read().decode(errors="replace").splitlines()
    return "\n".join(lines[-_TAIL:])
