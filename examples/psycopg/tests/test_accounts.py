import psycopg
import pytest

from ledger.accounts import balance, open_account, pay, pay_in, total


def test_new_account_is_empty(connection):
    assert balance(connection, open_account(connection, "Ada")) == 0


def test_cash_is_what_the_bank_owes(connection):
    ada = open_account(connection, "Ada")
    pay_in(connection, ada, 500)
    assert (balance(connection, ada), total(connection)) == (500, 0)


@pytest.mark.parametrize("cents", [1, 499, 500])
def test_payment_moves_money(connection, cents):
    ada, bob = open_account(connection, "Ada"), open_account(connection, "Bob")
    pay_in(connection, ada, 500)
    pay(connection, ada, bob, cents)
    assert (balance(connection, ada), balance(connection, bob)) == (500 - cents, cents)


def test_nobody_pays_what_he_has_not(connection):
    ada, bob = open_account(connection, "Ada"), open_account(connection, "Bob")
    with pytest.raises(psycopg.errors.CheckViolation, match="no_debts"), connection.transaction():
        pay(connection, ada, bob, 1)
    assert balance(connection, bob) == 0


@pytest.mark.parametrize("cents", [0, -5])
def test_nothing_is_no_payment(connection, cents):
    ada, bob = open_account(connection, "Ada"), open_account(connection, "Bob")
    with pytest.raises(psycopg.errors.CheckViolation):
        pay(connection, ada, bob, cents)


def test_currencies_do_not_mix(connection):
    ada, bob = open_account(connection, "Ada", "EUR"), open_account(connection, "Bob", "CHF")
    pay_in(connection, ada, 500)
    with pytest.raises(psycopg.errors.RaiseException, match="differ in currency"):
        pay(connection, ada, bob, 100)


def test_only_the_bank_is_there_before(connection):
    owners = connection.execute("SELECT owner, currency FROM account ORDER BY 2").fetchall()
    assert owners == [("bank", "CHF"), ("bank", "EUR")]
