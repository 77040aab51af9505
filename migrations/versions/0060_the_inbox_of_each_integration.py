"""What waits to be worked on is found by integration, in order of arrival.

On SQLite the last of two indexes that fit a query is taken: this one, which holds only what waits.

Revision ID: 0060
Revises: 0059
"""

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None

NAME, TABLE = "ix_deliveries_unprocessed", "deliveries"
UNPROCESSED = sa.text("state = 'received'")


def upgrade() -> None:
    """Make it anew, with the integration before the id."""
    op.drop_index(NAME, TABLE)
    op.create_index(NAME, TABLE, ["integration_id", "id"], sqlite_where=UNPROCESSED, postgresql_where=UNPROCESSED)


def downgrade() -> None:
    """As it was before."""
    op.drop_index(NAME, TABLE)
    op.create_index(NAME, TABLE, ["id"], sqlite_where=UNPROCESSED, postgresql_where=UNPROCESSED)
