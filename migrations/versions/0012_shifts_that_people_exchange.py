"""Shifts that people exchange

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Swaps, and requests for cover with the parts that were taken"""
    op.create_table(
        "swaps",
        sa.Column("id", KEY, nullable=False),
        sa.Column("schedule_id", KEY, nullable=False),
        sa.Column("proposer_id", KEY, nullable=False),
        sa.Column("counterpart_id", KEY, nullable=False),
        sa.Column("gives_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("gives_to", sa.DateTime(timezone=True), nullable=False),
        sa.Column("takes_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("takes_to", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revert_asked_by", KEY, nullable=True),
        sa.Column("reminded", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["schedule_id"], ["schedules.id"], name=op.f("fk_swaps_schedule_id")),
        sa.ForeignKeyConstraint(["proposer_id"], ["users.id"], name=op.f("fk_swaps_proposer_id")),
        sa.ForeignKeyConstraint(["counterpart_id"], ["users.id"], name=op.f("fk_swaps_counterpart_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_swaps")),
    )
    op.create_index(op.f("ix_swaps_counterpart_id"), "swaps", ["counterpart_id"])
    op.create_index(op.f("ix_swaps_proposer_id"), "swaps", ["proposer_id"])
    op.create_index(op.f("ix_swaps_schedule_id"), "swaps", ["schedule_id"])
    op.create_index(op.f("ix_swaps_state"), "swaps", ["state"])
    op.create_table(
        "cover_requests",
        sa.Column("id", KEY, nullable=False),
        sa.Column("schedule_id", KEY, nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reminded", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["schedule_id"], ["schedules.id"], name=op.f("fk_cover_requests_schedule_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_cover_requests_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cover_requests")),
    )
    op.create_index(op.f("ix_cover_requests_schedule_id"), "cover_requests", ["schedule_id"])
    op.create_index(op.f("ix_cover_requests_state"), "cover_requests", ["state"])
    op.create_index(op.f("ix_cover_requests_user_id"), "cover_requests", ["user_id"])
    op.create_table(
        "cover_parts",
        sa.Column("id", KEY, nullable=False),
        sa.Column("request_id", KEY, nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("back_asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("given_back_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["request_id"], ["cover_requests.id"], name=op.f("fk_cover_parts_request_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_cover_parts_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cover_parts")),
    )
    op.create_index(op.f("ix_cover_parts_request_id"), "cover_parts", ["request_id"])
    op.create_index(op.f("ix_cover_parts_user_id"), "cover_parts", ["user_id"])


def downgrade() -> None:
    """What was exchanged stays as overrides"""
    for name in ("cover_parts", "cover_requests", "swaps"):
        op.drop_table(name)
