"""What commits by itself: each of these tests has a database of its own."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from library import lending
from library.models import Loan, Reader

from .conftest import register, shelve

TODAY = date(2026, 3, 2)


@pytest.mark.parametrize("late", [1, 3])
def test_lost_books_are_charged(fresh_engine, late):
    with Session(fresh_engine) as session, session.begin():
        reader = register(session)
        for number in range(late):
            book = shelve(session, f"Volume {number}")
            lending.borrow(session, reader, book, TODAY - timedelta(days=500))
        lending.borrow(session, reader, shelve(session, "Emma"), TODAY)
    assert lending.close_the_year(fresh_engine, TODAY) == late
    with Session(fresh_engine) as session:
        fine = (500 - 28) * lending.CENTS_A_DAY
        assert session.scalars(select(Reader.cents_owed)).one() == late * fine
        assert session.query(Loan).filter(Loan.returned.is_(None)).count() == 1


def test_database_itself_refuses_a_second_open_loan(fresh_engine):
    with Session(fresh_engine) as session, session.begin():
        reader, book = register(session), shelve(session, "Emma")
        session.add(Loan(book=book, reader=reader, due=TODAY))
        book_id, reader_id = book.id, reader.id
    with Session(fresh_engine) as session:
        session.add(Loan(book_id=book_id, reader_id=reader_id, due=TODAY))
        with pytest.raises(IntegrityError):
            session.commit()


def test_year_without_losses_closes_quietly(fresh_engine):
    assert lending.close_the_year(fresh_engine, TODAY) == 0
