"""Recoveries may wait

Revision ID: 0052
Revises: 0051
"""

from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """They are looked for every few seconds"""
    op.create_index(op.f("ix_alerts_recovered_at"), "alerts", ["recovered_at"])


def downgrade() -> None:
    """They are not"""
    op.drop_index(op.f("ix_alerts_recovered_at"), table_name="alerts")
