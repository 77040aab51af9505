"""Busy senders

Revision ID: 0030
Revises: 0029
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Until when an integration counts as busy, and when its team was told"""
    with op.batch_alter_table("integrations") as batch_op:
        batch_op.add_column(sa.Column("busy_until", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("busy_told_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Nobody is told of a flood"""
    with op.batch_alter_table("integrations") as batch_op:
        batch_op.drop_column("busy_told_at")
        batch_op.drop_column("busy_until")
