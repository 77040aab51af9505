"""What a delivery was before it was replayed

Revision ID: 0059
Revises: 0058
"""

import sqlalchemy as sa
from alembic import op

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """So that a replay that is stopped leaves it as it was"""
    op.add_column("deliveries", sa.Column("replayed_from", sa.String(length=20), nullable=True))


def downgrade() -> None:
    """As before"""
    op.drop_column("deliveries", "replayed_from")
