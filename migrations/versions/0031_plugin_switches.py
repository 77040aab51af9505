"""Plugins that are switched off

Revision ID: 0031
Revises: 0030
"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Which, since when, by whom"""
    op.create_table(
        "plugin_switches",
        sa.Column("slug", sa.String(length=60), nullable=False),
        sa.Column("off_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_plugin_switches")),
    )
    held = sa.text("state = 'held'")
    op.create_index("ix_deliveries_held", "deliveries", ["integration_id"], sqlite_where=held, postgresql_where=held)


def downgrade() -> None:
    """All are on"""
    op.drop_index("ix_deliveries_held", table_name="deliveries")
    op.drop_table("plugin_switches")
