"""Insights

Revision ID: 0043
Revises: 0042
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Facts and sums from which figures are read"""
    op.create_table(
        "insight_incidents",
        sa.Column("incident_id", BIG, autoincrement=False, nullable=False),
        sa.Column("opened", BIG, nullable=False),
        sa.Column("team_id", BIG, nullable=True),
        sa.Column("service_id", BIG, nullable=True),
        sa.Column("integration_id", BIG, nullable=True),
        sa.Column("severity", sa.String(length=20), nullable=False),
        sa.Column("urgency", sa.String(length=10), nullable=False),
        sa.Column("dedup_key", sa.String(length=200), nullable=False),
        sa.Column("acknowledged", sa.Integer(), nullable=True),
        sa.Column("resolved", sa.Integer(), nullable=True),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("unaided", sa.Boolean(), nullable=False),
        sa.Column("noise", sa.Boolean(), nullable=False),
        sa.Column("flapping", sa.Boolean(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("answered_level", sa.Integer(), nullable=True),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("incident_id", name=op.f("pk_insight_incidents")),
    )
    op.create_index("ix_insight_incidents_times", "insight_incidents", [
        "opened", "team_id", "service_id", "severity", "urgency", "integration_id", "acknowledged", "resolved"])
    op.create_table(
        "insight_pages",
        sa.Column("message_id", BIG, autoincrement=False, nullable=False),
        sa.Column("incident_id", BIG, nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("team_id", BIG, nullable=True),
        sa.Column("at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_insight_pages")),
    )
    op.create_index("ix_insight_pages_at", "insight_pages", ["at", "user_id"])
    op.create_index(op.f("ix_insight_pages_incident_id"), "insight_pages", ["incident_id"])
    op.create_table(
        "insight_deliveries",
        sa.Column("id", BIG, nullable=False),
        sa.Column("hour", BIG, nullable=False),
        sa.Column("team_id", BIG, nullable=True),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("provider", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=100), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("queued", JSON, nullable=False),
        sa.Column("arrived", JSON, nullable=False),
        sa.Column("first", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_insight_deliveries")),
        sa.UniqueConstraint("hour", "team_id", "channel", "provider", "state", "reason",
                            name=op.f("uq_insight_deliveries_hour_team_id_channel_provider_state_reason")),
    )
    op.create_table(
        "noise_marks",
        sa.Column("incident_id", BIG, autoincrement=False, nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("incident_id", name=op.f("pk_noise_marks")),
    )
    op.create_table(
        "insight_marks",
        sa.Column("name", sa.String(length=10), nullable=False),
        sa.Column("value", BIG, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_insight_marks")),
    )
    op.create_index("ix_messages_queued_at", "messages", ["queued_at"])


def downgrade() -> None:
    """No figures are kept"""
    op.drop_index("ix_messages_queued_at", table_name="messages")
    for table in ("insight_marks", "noise_marks", "insight_deliveries", "insight_pages", "insight_incidents"):
        op.drop_table(table)
