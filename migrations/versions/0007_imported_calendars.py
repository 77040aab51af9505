"""Imported calendars

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Schedules are read from calendars"""
    op.create_table(
        "calendar_imports",
        sa.Column("id", KEY, nullable=False),
        sa.Column("schedule_id", KEY, nullable=False),
        sa.Column("use", sa.String(length=10), nullable=False),
        sa.Column("url_hash", sa.String(length=64), nullable=False),
        sa.Column("url_sealed", sa.Text(), nullable=False),
        sa.Column("next_at", INSTANT, nullable=False),
        sa.Column("read_at", INSTANT, nullable=True),
        sa.Column("failing_since", INSTANT, nullable=True),
        sa.Column("told_at", INSTANT, nullable=True),
        sa.Column("error", sa.String(length=300), nullable=False),
        sa.Column("unmatched", JSON, nullable=False),
        sa.ForeignKeyConstraint(["schedule_id"], ["schedules.id"], name=op.f("fk_calendar_imports_schedule_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_imports")),
        sa.UniqueConstraint("schedule_id", "use", name=op.f("uq_calendar_imports_schedule_id_use")),
    )
    op.create_index(op.f("ix_calendar_imports_next_at"), "calendar_imports", ["next_at"])
    op.create_table(
        "imported_shifts",
        sa.Column("id", KEY, nullable=False),
        sa.Column("schedule_id", KEY, nullable=False),
        sa.Column("use", sa.String(length=10), nullable=False),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.Column("people", JSON, nullable=False),
        sa.ForeignKeyConstraint(["schedule_id"], ["schedules.id"], name=op.f("fk_imported_shifts_schedule_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imported_shifts")),
    )
    op.create_index(op.f("ix_imported_shifts_schedule_id_ends_at"), "imported_shifts", ["schedule_id", "ends_at"])


def downgrade() -> None:
    """What was read from calendars is gone"""
    op.drop_table("imported_shifts")
    op.drop_table("calendar_imports")
