"""Messages of no incident go after a time: they, and what names one, are found by indexes.

Revision ID: 0067
Revises: 0066
"""

import sqlalchemy as sa
from alembic import op

revision = "0067"
down_revision = "0066"
branch_labels = None
depends_on = None

# Name, table, column, and which rows it holds.
INDEXES = (("ix_messages_alone", "messages", "queued_at", "incident_id IS NULL"),
           ("ix_messages_again_of", "messages", "again_of", "again_of IS NOT NULL"),
           ("ix_heard_replies_message_id", "heard_replies", "message_id", "message_id IS NOT NULL"))


def upgrade() -> None:
    """Only what the purge looks for stands in them."""
    for name, table, column, rows in INDEXES:
        op.create_index(name, table, [column], sqlite_where=sa.text(rows), postgresql_where=sa.text(rows))


def downgrade() -> None:
    """Nothing goes by itself any more"""
    for name, table, *_ in INDEXES:
        op.drop_index(name, table_name=table)
