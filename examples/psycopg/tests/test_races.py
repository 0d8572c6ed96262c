"""Several connections and true commits: each of these tests has a database of its own."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from ledger.accounts import balance, open_account, pay, pay_in, total


@pytest.fixture
def accounts(fresh_database):
    with psycopg.connect(**fresh_database.params) as connection:
        ada, bob = open_account(connection, "Ada"), open_account(connection, "Bob")
        pay_in(connection, ada, 100)
        pay_in(connection, bob, 100)
    return ada, bob


def test_last_money_is_spent_once(fresh_database, accounts):
    ada, bob = accounts

    def spend(_: int) -> bool:
        try:
            with psycopg.connect(**fresh_database.params) as connection:
                pay(connection, ada, bob, 100)
        except psycopg.errors.CheckViolation:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(spend, range(4))) == 1
    with psycopg.connect(**fresh_database.params) as connection:
        assert (balance(connection, ada), balance(connection, bob)) == (0, 200)


def test_payments_both_ways_never_deadlock(fresh_database, accounts):
    ada, bob = accounts

    def pay_to_and_fro(pair: tuple[int, int]) -> None:
        with psycopg.connect(**fresh_database.params, autocommit=True) as connection:
            for _ in range(20):
                pay(connection, *pair, 1)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(pay_to_and_fro, [(ada, bob), (bob, ada)] * 2))
    with psycopg.connect(**fresh_database.params) as connection:
        assert (balance(connection, ada), balance(connection, bob), total(connection)) == (
            100,
            100,
            0,
        )
