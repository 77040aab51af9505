"""Issues of action items

Revision ID: 0041
Revises: 0040
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """An action item may stand as an issue at another product"""
    op.create_table(
        "action_item_tickets",
        sa.Column("id", KEY, nullable=False),
        sa.Column("item_id", KEY, nullable=False),
        sa.Column("connection", sa.String(length=60), nullable=False),
        sa.Column("params", JSON, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("next_at", INSTANT, nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("unknown", sa.Boolean(), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=True),
        sa.Column("problem", sa.String(length=300), nullable=False),
        sa.Column("made_at", INSTANT, nullable=True),
        sa.Column("checked_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["item_id"], ["action_items.id"], name=op.f("fk_action_item_tickets_item_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_action_item_tickets")),
        sa.UniqueConstraint("item_id", name=op.f("uq_action_item_tickets_item_id")),
    )
    for name in ("connection", "checked_at"):
        op.create_index(op.f(f"ix_action_item_tickets_{name}"), "action_item_tickets", [name])
    op.create_index(op.f("ix_action_item_tickets_state_next_at"), "action_item_tickets", ["state", "next_at"])


def downgrade() -> None:
    """Only here"""
    op.drop_table("action_item_tickets")
