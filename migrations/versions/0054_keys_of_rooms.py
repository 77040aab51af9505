"""Rooms have a key

Revision ID: 0054
Revises: 0053
"""

import sqlalchemy as sa
from alembic import op

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """By which configuration names them; those that are there get one by their number"""
    op.add_column("rooms", sa.Column("key", sa.String(length=60), nullable=True))
    op.execute("UPDATE rooms SET key = 'room-' || id")
    with op.batch_alter_table("rooms") as table:
        table.alter_column("key", existing_type=sa.String(length=60), nullable=False)
        table.create_unique_constraint(op.f("uq_rooms_key"), ["key"])


def downgrade() -> None:
    """By their number only"""
    with op.batch_alter_table("rooms") as table:
        table.drop_constraint(op.f("uq_rooms_key"), type_="unique")
        table.drop_column("key")
