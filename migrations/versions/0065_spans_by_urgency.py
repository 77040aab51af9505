"""Cells of spans of days are told apart by urgency, whatever else they are told apart by.

Revision ID: 0065
Revises: 0064
"""

from alembic import op

revision = "0065"
down_revision = "0064"
branch_labels = None
depends_on = None

ANEW = "UPDATE insight_spans SET stale = true"


def upgrade() -> None:
    """All are packed anew, within minutes; days are read meanwhile."""
    op.execute(ANEW)


def downgrade() -> None:
    """As they were before."""
    op.execute(ANEW)
