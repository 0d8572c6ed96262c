"""What a maker does: prepare one template, and tell the keeper what became of it."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any

from pytest_concurrent import _engine
from pytest_concurrent.databases.keeper import Door, Keeper
from pytest_concurrent.databases.preparation import Found, Means, Preparation
from pytest_concurrent.databases.recipe import Recipe
from pytest_concurrent.exceptions import DatabaseTemplateException, UnsupportedDatabase
from pytest_concurrent.fork import fork

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


class Making:
    """Prepares templates; in a process that does nothing else.

    Args:
        door: Where the keeper is reached.
        recipes: Every database of the run.
        means: What the run offers.
        lends: Whether this process may be forked, for the keeper to speak through the project's own
            driver where it does not reach a server itself.
    """

    def __init__(self, door: Door, recipes: Sequence[Recipe], means: Means, *, lends: bool) -> None:
        self._door = door
        self._lends = lends
        self._recipes = {recipe.alias: recipe for recipe in recipes}
        self._means = means
        self._lender = 0

    def prepare(self, order: Order, output: IO[bytes]) -> None:
        """Prepare one template, and tell.

        Args:
            order: Which.
            output: What this process prints.
        """
        keeper = self._door.enter("maker")
        known = [_password(self._recipes.get(order.alias))]

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
            hint = f"It printed:\n{tail(output)}" if tail(output) else None
            tell("fail", message=text, hint=hint)
        else:
            fields = {"server": found.server, "template": found.template, "clones": order.clones}
            told = {"why": found.why, "seconds": found.seconds, "remarks": found.remarks}
            tell("settle", **fields, **told)
        if self._lender:
            # A lender that outlived its parent would come to the controller as an orphan.
            os.waitpid(self._lender, 0)

    def _found(self, order: Order, keeper: Keeper) -> Found:
        recipe = self._recipes.get(order.alias)
        if recipe is None:
            raise UnsupportedDatabase(
                f"the process that builds templates knows of no database {order.alias!r}"
            )
        if order.settings is not None:
            recipe.apply(order.settings)
        elif recipe.fingerprint() != order.fingerprint:
            raise UnsupportedDatabase(
                f"the settings of database {order.alias!r} came out differently in the process "
                "that builds its template"
            )
        preparation = Preparation(recipe, keeper, self._means)
        try:
            facts = preparation.open()
        except UnsupportedDatabase:
            if not self._lends:
                raise
            facts = self._lend(recipe, preparation, keeper)
        return preparation.make(facts)

    def _lend(self, recipe: Recipe, preparation: Preparation, keeper: Keeper) -> dict[str, Any]:
        """Let the keeper speak through the project's own driver, in a process of its own."""
        conversation = self._door.enter("lender")
        server_facts = {"vendor": recipe.vendor, "identity": preparation.identity()}
        facts = conversation.request("borrow", server_facts=server_facts)
        self._lender = fork()
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


def _password(recipe: Recipe | None) -> str:
    """What must not be told, if it can be known."""
    with suppress(DatabaseTemplateException):
        return str(recipe.target().get("password") or "") if recipe is not None else ""
    return ""


def _code(error: Exception) -> str:
    """What the server calls an error: psycopg, psycopg2 and the drivers of MySQL say it so."""
    code = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    return str(code or (error.args[0] if error.args else ""))


def tail(output: IO[bytes]) -> str:
    """The end of what a process has printed."""
    sys.stdout.flush()
    sys.stderr.flush()
    output.seek(0)
    lines = output.read().decode(errors="replace").splitlines()
    return "\n".join(lines[-_TAIL:])
