"""People who were erased

Revision ID: 0066
Revises: 0065
"""

import sqlalchemy as sa
from alembic import op

revision = "0066"
down_revision = "0065"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """When somebody was erased, as whom they are named, and the words that are translated"""
    op.create_table(
        "former_people",
        sa.Column("id", ID, autoincrement=False, nullable=False),
        sa.Column("ref", sa.String(80), nullable=False),
        sa.Column("said_until", ID, nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_former_people")),
        sa.UniqueConstraint("ref", name=op.f("uq_former_people_ref")),
    )
    op.add_column("users", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Whoever was erased stays so in all rows; what the log holds is shown as it is again"""
    op.drop_column("users", "erased_at")
    op.drop_table("former_people")
