import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "loan",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("book_id", sa.Integer, sa.ForeignKey("book.id"), nullable=False),
        sa.Column("reader_id", sa.Integer, sa.ForeignKey("reader.id"), nullable=False),
        sa.Column("due", sa.Date, nullable=False),
        sa.Column("returned", sa.Date),
    )
    still_out = sa.text("returned IS NULL")
    op.create_index(
        "one_open_loan",
        "loan",
        ["book_id"],
        unique=True,
        sqlite_where=still_out,
        postgresql_where=still_out,
    )


def downgrade() -> None:
    op.drop_table("loan")
