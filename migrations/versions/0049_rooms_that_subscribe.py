"""The kind of a subscriber may be the channel of a plugin

Revision ID: 0049
Revises: 0048
"""

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Slugs are longer than our own kinds."""
    _length(10, 40)


def downgrade() -> None:
    """Rooms of such channels are forgotten: the kind has no room for them."""
    op.execute("DELETE FROM status_messages WHERE subscriber_id IN "
               "(SELECT id FROM status_subscribers WHERE length(kind) > 10)")
    op.execute("DELETE FROM status_subscribers WHERE length(kind) > 10")
    _length(40, 10)


def _length(before: int, after: int) -> None:
    with op.batch_alter_table("status_subscribers") as batch_op:
        batch_op.alter_column("kind", existing_type=sa.String(before), type_=sa.String(after), existing_nullable=False)
