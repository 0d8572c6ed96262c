import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

GENRES = [("novel", 28), ("poetry", 28), ("travel", 14), ("science", 21), ("newspaper", 1)]


def upgrade() -> None:
    genre = op.create_table(
        "genre",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(40), nullable=False, unique=True),
        sa.Column("loan_days", sa.Integer, nullable=False),
    )
    op.bulk_insert(genre, [{"name": name, "loan_days": days} for name, days in GENRES])
    with op.batch_alter_table("book") as book:
        book.add_column(sa.Column("genre_id", sa.Integer))
    op.execute("UPDATE book SET genre_id = (SELECT id FROM genre WHERE name = 'novel')")
    with op.batch_alter_table("book") as book:
        book.alter_column("genre_id", existing_type=sa.Integer, nullable=False)
        book.create_foreign_key("book_genre", "genre", ["genre_id"], ["id"])


def downgrade() -> None:
    with op.batch_alter_table("book") as book:
        book.drop_column("genre_id")
    op.drop_table("genre")
