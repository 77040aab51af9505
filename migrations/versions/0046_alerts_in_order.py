"""Alerts stand in the order in which they began

Revision ID: 0046
Revises: 0045
"""

from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Those of one moment too, so that a list can go on anywhere; and in that in which they ended"""
    op.create_index(op.f("ix_alerts_first_seen_id"), "alerts", ["first_seen", "id"])
    op.drop_index(op.f("ix_alerts_first_seen"), table_name="alerts")
    op.create_index(op.f("ix_alerts_resolved_at"), "alerts", ["resolved_at"])


def downgrade() -> None:
    """By when they began only"""
    op.drop_index(op.f("ix_alerts_resolved_at"), table_name="alerts")
    op.create_index(op.f("ix_alerts_first_seen"), "alerts", ["first_seen"])
    op.drop_index(op.f("ix_alerts_first_seen_id"), table_name="alerts")
