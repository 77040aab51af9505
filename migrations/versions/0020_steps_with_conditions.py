"""Levels that repeat from a later one, and people who take turns

Revision ID: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Where rounds begin, and whose turn it is"""
    for table in ("escalation_policies", "escalation_runs"):
        with op.batch_alter_table(table) as batch_op:
            batch_op.add_column(sa.Column("repeat_from", sa.Integer(), server_default="0", nullable=False))
    op.create_table("escalation_turns", sa.Column("rotation", sa.String(500), nullable=False),
                    sa.Column("line", JSON, nullable=False),
                    sa.PrimaryKeyConstraint("rotation", name=op.f("pk_escalation_turns")))


def downgrade() -> None:
    """Every round begins with the first level"""
    op.drop_table("escalation_turns")
    for table in ("escalation_runs", "escalation_policies"):
        with op.batch_alter_table(table) as batch_op:
            batch_op.drop_column("repeat_from")
