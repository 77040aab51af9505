"""Calendars outside

Revision ID: 0026
Revises: 0025
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Calendars of people that are kept in step with their shifts"""
    op.create_table(
        "calendar_links",
        sa.Column("id", KEY, nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("plugin", sa.String(length=40), nullable=False),
        sa.Column("account", sa.String(length=254), nullable=False),
        sa.Column("calendar", sa.String(length=1000), nullable=False),
        sa.Column("calendar_name", sa.String(length=200), nullable=False),
        sa.Column("choices", JSON, nullable=False),
        sa.Column("former", JSON, nullable=False),
        sa.Column("mark", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("grant_sealed", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("next_at", INSTANT, nullable=True),
        sa.Column("lease_until", INSTANT, nullable=True),
        sa.Column("synced_at", INSTANT, nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_calendar_links_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_links")),
        sa.UniqueConstraint("user_id", "plugin", name=op.f("uq_calendar_links_user_id_plugin")),
    )
    op.create_index(op.f("ix_calendar_links_next_at"), "calendar_links", ["next_at"])


def downgrade() -> None:
    """Nothing is kept in step"""
    op.drop_table("calendar_links")
