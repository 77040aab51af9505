"""Forms that were sent, so that each is done once

Revision ID: 0063
Revises: 0062
"""

import sqlalchemy as sa
from alembic import op

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What a form did is kept for two days"""
    op.create_table(
        "sendings",
        sa.Column("mark", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("location", sa.String(2000), nullable=False),
        sa.Column("told", sa.String(500), nullable=False),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_sendings")),
    )
    op.create_index("ix_sendings_at", "sendings", ["at"])


def downgrade() -> None:
    """Forms may be done twice again"""
    op.drop_table("sendings")
