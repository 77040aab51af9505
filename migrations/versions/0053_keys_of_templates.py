"""Templates of postmortems have a key

Revision ID: 0053
Revises: 0052
"""

import sqlalchemy as sa
from alembic import op

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """By which configuration names them; those that are there get one by their number"""
    op.add_column("postmortem_templates", sa.Column("key", sa.String(length=60), nullable=True))
    op.execute("UPDATE postmortem_templates SET key = 'template-' || id")
    with op.batch_alter_table("postmortem_templates") as table:
        table.alter_column("key", existing_type=sa.String(length=60), nullable=False)
        table.create_unique_constraint(op.f("uq_postmortem_templates_key"), ["key"])


def downgrade() -> None:
    """By their number only"""
    with op.batch_alter_table("postmortem_templates") as table:
        table.drop_constraint(op.f("uq_postmortem_templates_key"), type_="unique")
        table.drop_column("key")
