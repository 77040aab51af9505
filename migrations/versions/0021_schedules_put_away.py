"""Schedules are put away

Revision ID: 0021
Revises: 0020
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """An archived schedule stays readable"""
    with op.batch_alter_table("schedules") as batch_op:
        batch_op.add_column(sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Archived schedules are in use again"""
    with op.batch_alter_table("schedules") as batch_op:
        batch_op.drop_column("archived_at")
