from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from library.models import Book, Loan, Reader

MOST_LOANS = 5
CENTS_A_DAY = 20


class Refused(Exception):
    pass


def borrow(session: Session, reader: Reader, book: Book, today: date) -> Loan:
    if reader.cents_owed:
        raise Refused(f"{reader.name} owes {reader.cents_owed} cents")
    if len(open_loans(session, reader)) >= MOST_LOANS:
        raise Refused(f"{reader.name} has {MOST_LOANS} books already")
    if session.scalar(select(Loan).where(Loan.book == book, Loan.returned.is_(None))):
        raise Refused(f"{book.title} is lent")
    due = today + timedelta(days=book.genre.loan_days)
    loan = Loan(book=book, reader=reader, due=due)
    session.add(loan)
    session.flush()
    return loan


def give_back(session: Session, loan: Loan, today: date) -> int:
    """Take a book back; the fine in cents."""
    loan.returned = today
    fine = max((today - loan.due).days, 0) * CENTS_A_DAY
    loan.reader.cents_owed += fine
    session.flush()
    return fine


def open_loans(session: Session, reader: Reader) -> list[Loan]:
    return list(session.scalars(select(Loan).where(Loan.reader == reader, Loan.returned.is_(None))))


def overdue(session: Session, today: date) -> list[Loan]:
    late = select(Loan).where(Loan.returned.is_(None), Loan.due < today)
    return list(session.scalars(late.order_by(Loan.due)))


def close_the_year(engine: Engine, today: date) -> int:
    """Take back what is more than a year late, each loan in a transaction of its own; how many."""
    with Session(engine) as session:
        lost = [loan.id for loan in overdue(session, today - timedelta(days=365))]
    for loan_id in lost:
        with Session(engine) as session, session.begin():
            give_back(session, session.get_one(Loan, loan_id), today)
    return len(lost)
