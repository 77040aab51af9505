"""Heartbeats

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """What has to report in regularly"""
    op.create_table(
        "heartbeats",
        sa.Column("id", KEY, nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("team_id", KEY, nullable=True),
        sa.Column("service_id", KEY, nullable=True),
        sa.Column("integration_id", KEY, nullable=False),
        sa.Column("every", sa.Integer(), nullable=False),
        sa.Column("grace", sa.Integer(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("token_sealed", sa.Text(), nullable=False),
        sa.Column("token_last4", sa.String(length=4), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("last_ping_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_output", sa.Text(), nullable=False),
        sa.Column("recent", JSON, nullable=False),
        sa.Column("muted_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mute_reason", sa.String(length=200), nullable=False),
        sa.Column("muted_by", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        *(sa.ForeignKeyConstraint([f"{noun}_id"], [f"{noun}s.id"], name=op.f(f"fk_heartbeats_{noun}_id"))
          for noun in ("team", "service", "integration")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_heartbeats")),
        sa.UniqueConstraint("key", name=op.f("uq_heartbeats_key")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_heartbeats_token_hash")),
    )
    op.create_index("ix_heartbeats_state_due_at", "heartbeats", ["state", "due_at"])
    for noun in ("team", "service", "integration"):
        op.create_index(op.f(f"ix_heartbeats_{noun}_id"), "heartbeats", [f"{noun}_id"])


def downgrade() -> None:
    """Nothing has to report in"""
    op.drop_table("heartbeats")
