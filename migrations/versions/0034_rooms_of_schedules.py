"""Rooms of schedules, marks of zones

Revision ID: 0034
Revises: 0033
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
INSTANT = sa.DateTime(timezone=True)
DUE = sa.text("next_at IS NOT NULL")


def upgrade() -> None:
    """Hand-offs are posted in rooms; a new zone database is noticed"""
    with op.batch_alter_table("rooms") as batch_op:
        batch_op.add_column(sa.Column("schedule_id", KEY, nullable=True))
        batch_op.create_index(op.f("ix_rooms_schedule_id"), ["schedule_id"])
    op.create_table(
        "duty_posts",
        sa.Column("id", KEY, nullable=False),
        sa.Column("event_id", KEY, nullable=False),
        sa.Column("room_id", KEY, nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", INSTANT, nullable=True),
        sa.Column("lease_until", INSTANT, nullable=True),
        sa.Column("sent_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_duty_posts_room_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_posts")),
        sa.UniqueConstraint("event_id", "room_id", name=op.f("uq_duty_posts_event_id_room_id")),
    )
    op.create_index("ix_duty_posts_due", "duty_posts", ["next_at"], sqlite_where=DUE, postgresql_where=DUE)
    op.create_table(
        "zone_marks",
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("digests", JSON, nullable=False),
        sa.PrimaryKeyConstraint("zone", name=op.f("pk_zone_marks")),
    )


def downgrade() -> None:
    """Neither is"""
    op.drop_table("zone_marks")
    op.drop_table("duty_posts")
    with op.batch_alter_table("rooms") as batch_op:
        batch_op.drop_index(op.f("ix_rooms_schedule_id"))
        batch_op.drop_column("schedule_id")
