"""Alerts made another way

Revision ID: 0058
Revises: 0057
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """The settings before a change of how alerts are made, as long as some are open that were made by them"""
    with op.batch_alter_table("integrations") as table:
        table.add_column(sa.Column("former_config", DOCUMENT, server_default="{}", nullable=False))
        table.add_column(sa.Column("regrouped_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """None are left"""
    with op.batch_alter_table("integrations") as table:
        table.drop_column("regrouped_at")
        table.drop_column("former_config")
