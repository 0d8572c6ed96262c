import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    with op.batch_alter_table("reader") as reader:
        reader.add_column(
            sa.Column("cents_owed", sa.Integer, nullable=False, server_default=sa.text("0"))
        )


def downgrade() -> None:
    with op.batch_alter_table("reader") as reader:
        reader.drop_column("cents_owed")
