"""Bundles of pages

Revision ID: 0042
Revises: 0041
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
BUNDLED = sa.text("state = 'queued' AND bundle <> ''")


def upgrade() -> None:
    """Many pages for one person at one time are one message, whose link acknowledges all of them"""
    op.add_column("messages", sa.Column("bundle", sa.String(length=60), nullable=False, server_default=""))
    op.create_index("ix_messages_bundle", "messages", ["bundle"], sqlite_where=BUNDLED, postgresql_where=BUNDLED)
    op.add_column("one_tap_links", sa.Column("also", JSON, nullable=False, server_default="[]"))


def downgrade() -> None:
    """Each page goes alone"""
    op.drop_column("one_tap_links", "also")
    op.drop_index("ix_messages_bundle", "messages")
    op.drop_column("messages", "bundle")
