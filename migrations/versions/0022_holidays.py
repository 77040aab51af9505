"""Holidays of schedules

Revision ID: 0022
Revises: 0021
"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Days that an imported calendar names"""
    op.create_table(
        "holidays",
        sa.Column("id", KEY, nullable=False),
        sa.Column("schedule_id", KEY, nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["schedule_id"], ["schedules.id"], name=op.f("fk_holidays_schedule_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holidays")),
        sa.UniqueConstraint("schedule_id", "day", name=op.f("uq_holidays_schedule_id_day")),
    )


def downgrade() -> None:
    """No day is a holiday"""
    op.drop_table("holidays")
