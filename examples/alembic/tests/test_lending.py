from datetime import date, timedelta

import pytest

from library import lending
from library.models import Loan

from .conftest import register, shelve

TODAY = date(2026, 3, 2)


@pytest.mark.parametrize(
    ("genre", "days"), [("novel", 28), ("travel", 14), ("science", 21), ("newspaper", 1)]
)
def test_each_genre_has_its_term(session, genre, days):
    loan = lending.borrow(session, register(session), shelve(session, "X", genre), TODAY)
    assert loan.due == TODAY + timedelta(days=days)


def test_lent_book_is_not_lent_again(session):
    book = shelve(session, "Emma")
    lending.borrow(session, register(session, "Ada"), book, TODAY)
    with pytest.raises(lending.Refused, match="Emma is lent"):
        lending.borrow(session, register(session, "Bob"), book, TODAY)


def test_returned_book_can_be_lent(session):
    book = shelve(session, "Emma")
    first = lending.borrow(session, register(session, "Ada"), book, TODAY)
    lending.give_back(session, first, TODAY)
    assert lending.borrow(session, register(session, "Bob"), book, TODAY).reader.name == "Bob"


def test_sixth_book_is_refused(session):
    reader = register(session)
    for number in range(lending.MOST_LOANS):
        lending.borrow(session, reader, shelve(session, f"Volume {number}"), TODAY)
    with pytest.raises(lending.Refused, match="has 5 books"):
        lending.borrow(session, reader, shelve(session, "Volume 6"), TODAY)


@pytest.mark.parametrize(("days", "cents"), [(0, 0), (28, 0), (29, 20), (38, 200)])
def test_late_days_cost(session, days, cents):
    loan = lending.borrow(session, register(session), shelve(session, "Emma"), TODAY)
    assert lending.give_back(session, loan, TODAY + timedelta(days=days)) == cents


def test_debtors_borrow_nothing(session):
    reader = register(session)
    reader.cents_owed = 40
    with pytest.raises(lending.Refused, match="owes 40 cents"):
        lending.borrow(session, reader, shelve(session, "Emma"), TODAY)


def test_overdue_loans_come_oldest_first(session):
    reader = register(session)
    for genre in ("novel", "newspaper", "travel"):
        lending.borrow(session, reader, shelve(session, genre, genre), TODAY)
    late = lending.overdue(session, TODAY + timedelta(days=20))
    assert [loan.book.title for loan in late] == ["newspaper", "travel"]


def test_nobody_has_lent_anything_before(session):
    assert session.query(Loan).count() == 0
