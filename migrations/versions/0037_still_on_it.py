"""Whoever acknowledged is asked after a while

Revision ID: 0037
Revises: 0036
"""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """When they are asked, and when it is paged again"""
    op.create_table(
        "acknowledge_timers",
        sa.Column("incident_id", KEY, nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_acknowledge_timers_incident_id")),
        sa.PrimaryKeyConstraint("incident_id", name=op.f("pk_acknowledge_timers")),
    )
    op.create_index(op.f("ix_acknowledge_timers_due_at"), "acknowledge_timers", ["due_at"])


def downgrade() -> None:
    """Nobody is asked"""
    op.drop_table("acknowledge_timers")
