"""Doors with parts in their addresses

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """A delivery keeps the parts of the address it came by"""
    with op.batch_alter_table("deliveries") as batch_op:
        batch_op.add_column(sa.Column("parts", JSON, nullable=False, server_default="{}"))


def downgrade() -> None:
    """Addresses have no parts"""
    with op.batch_alter_table("deliveries") as batch_op:
        batch_op.drop_column("parts")
