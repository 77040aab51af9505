"""Hand-offs as they happen

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Who was on duty at the last look, notes between two people, and who wants which notice"""
    op.create_table(
        "duties",
        sa.Column("id", KEY, nullable=False),
        sa.Column("schedule_id", KEY, nullable=False),
        sa.Column("people", JSON, nullable=False),
        sa.Column("look_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["schedule_id"], ["schedules.id"], name=op.f("fk_duties_schedule_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duties")),
        sa.UniqueConstraint("schedule_id", name=op.f("uq_duties_schedule_id")),
    )
    op.create_index(op.f("ix_duties_look_at"), "duties", ["look_at"])
    op.create_table(
        "handover_notes",
        sa.Column("id", KEY, nullable=False),
        sa.Column("schedule_id", KEY, nullable=False),
        sa.Column("author_id", KEY, nullable=False),
        sa.Column("body", sa.String(length=4000), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["schedule_id"], ["schedules.id"], name=op.f("fk_handover_notes_schedule_id")),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_handover_notes_author_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover_notes")),
    )
    op.create_index(op.f("ix_handover_notes_schedule_id"), "handover_notes", ["schedule_id"])
    op.create_table(
        "duty_notices",
        sa.Column("id", KEY, nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("before", sa.Boolean(), nullable=False),
        sa.Column("start", sa.Boolean(), nullable=False),
        sa.Column("end", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_duty_notices_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_notices")),
        sa.UniqueConstraint("user_id", name=op.f("uq_duty_notices_user_id")),
    )


def downgrade() -> None:
    """Notes go, and everybody is told as nobody chose otherwise"""
    for name in ("duty_notices", "handover_notes", "duties"):
        op.drop_table(name)
