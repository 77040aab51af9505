"""Holidays of layers

Revision ID: 0033
Revises: 0032
"""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A layer leaves holidays out, or is for them only"""
    with op.batch_alter_table("layers") as batch_op:
        batch_op.add_column(sa.Column("holidays", sa.String(length=4), nullable=False, server_default=""))


def downgrade() -> None:
    """Every day is like any other"""
    with op.batch_alter_table("layers") as batch_op:
        batch_op.drop_column("holidays")
