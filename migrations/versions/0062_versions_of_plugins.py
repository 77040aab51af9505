"""Which version of each plugin was at work last

Revision ID: 0062
Revises: 0061
"""

import sqlalchemy as sa
from alembic import op

revision = "0062"
down_revision = "0061"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """So that a process that starts with another one can say so"""
    op.create_table(
        "plugin_marks",
        sa.Column("slug", sa.String(length=60), nullable=False),
        sa.Column("version", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_plugin_marks")),
    )


def downgrade() -> None:
    """Updates are not noted"""
    op.drop_table("plugin_marks")
