from __future__ import annotations

from psycopg import Connection
from psycopg.rows import scalar_row


def open_account(connection: Connection, owner: str, currency: str = "EUR") -> int:
    with connection.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute(
            "INSERT INTO account (owner, currency) VALUES (%s, %s) RETURNING id", (owner, currency)
        ).fetchone()


def pay_in(connection: Connection, account: int, cents: int) -> None:
    """Cash over the counter: the bank owes it."""
    connection.execute(
        "INSERT INTO transfer (source, target, cents)"
        " SELECT bank.id, mine.id, %s FROM account mine"
        " JOIN account bank ON bank.owner = 'bank' AND bank.currency = mine.currency"
        " WHERE mine.id = %s",
        (cents, account),
    )


def pay(connection: Connection, source: int, target: int, cents: int) -> None:
    connection.execute(
        "INSERT INTO transfer (source, target, cents) VALUES (%s, %s, %s)", (source, target, cents)
    )


def balance(connection: Connection, account: int) -> int:
    with connection.cursor(row_factory=scalar_row) as cursor:
        return cursor.execute("SELECT cents FROM account WHERE id = %s", (account,)).fetchone()


def total(connection: Connection) -> int:
    """What all accounts add up to: always nothing."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        return int(cursor.execute("SELECT sum(cents) FROM account").fetchone())
