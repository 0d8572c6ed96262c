from __future__ import annotations

from datetime import date

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Genre(Base):
    __tablename__ = "genre"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    loan_days: Mapped[int]


class Book(Base):
    __tablename__ = "book"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    author: Mapped[str] = mapped_column(String(100), index=True)
    genre_id: Mapped[int] = mapped_column(ForeignKey("genre.id"))
    genre: Mapped[Genre] = relationship()


class Reader(Base):
    __tablename__ = "reader"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    cents_owed: Mapped[int] = mapped_column(default=0)


class Loan(Base):
    __tablename__ = "loan"
    __table_args__ = (
        # A book is with one reader at a time.
        Index(
            "one_open_loan",
            "book_id",
            unique=True,
            sqlite_where=mapped_column("returned").column.is_(None),
            postgresql_where=mapped_column("returned").column.is_(None),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    book_id: Mapped[int] = mapped_column(ForeignKey("book.id"))
    reader_id: Mapped[int] = mapped_column(ForeignKey("reader.id"))
    due: Mapped[date]
    returned: Mapped[date | None]
    book: Mapped[Book] = relationship()
    reader: Mapped[Reader] = relationship()
