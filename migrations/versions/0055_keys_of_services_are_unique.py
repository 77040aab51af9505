"""Keys of services are unique whatever their case, on SQLite too.

Two former migrations made the table anew there, and lost its index on an expression, which can't be read back.

Revision ID: 0055
Revises: 0054
"""

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None

NAME, TABLE = "uq_services_key_lower", "services"


def upgrade() -> None:
    """Make it where it is missing."""
    if op.get_bind().dialect.name == "sqlite":
        op.create_index(NAME, TABLE, [sa.text("lower(key)")], unique=True, if_not_exists=True)


def downgrade() -> None:
    """As it was before."""
    if op.get_bind().dialect.name == "sqlite":
        op.drop_index(NAME, TABLE, if_exists=True)
