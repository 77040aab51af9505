"""Which request led to a delivery and to an entry of the log

Revision ID: 0064
Revises: 0063
"""

import sqlalchemy as sa
from alembic import op

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A column with a constant default: no row is rewritten, on either database"""
    for table in ("events", "deliveries"):
        op.add_column(table, sa.Column("request_id", sa.String(length=64), nullable=False, server_default=""))


def downgrade() -> None:
    """Nobody is told any more"""
    for table in ("deliveries", "events"):
        op.drop_column(table, "request_id")
