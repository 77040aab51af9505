"""Notes that a team asks for, and posts with threads

Revision ID: 0036
Revises: 0035
"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

OWN = sa.text("own")


def upgrade() -> None:
    """A team may want a note with each resolve; an incident may have a channel of its own; notes appear below posts"""
    op.add_column("teams", sa.Column("note_required", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("surfaces", sa.Column("own", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("surfaces", sa.Column("said_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False,
                                        server_default="0"))
    # What was written before is not said again.
    op.execute("UPDATE surfaces SET said_id = COALESCE((SELECT MAX(id) FROM notes), 0)")
    op.create_index("uq_surfaces_own", "surfaces", ["incident_id", "channel"], unique=True, sqlite_where=OWN,
                    postgresql_where=OWN)


def downgrade() -> None:
    """Nothing is asked, posts stand alone"""
    op.drop_index("uq_surfaces_own", "surfaces")
    op.drop_column("surfaces", "said_id")
    op.drop_column("surfaces", "own")
    op.drop_column("teams", "note_required")
