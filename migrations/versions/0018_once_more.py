"""A message that is sent once more knows which one it repeats

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """By another provider, or after a busy line"""
    with op.batch_alter_table("messages") as batch_op:
        batch_op.add_column(sa.Column("again_of", KEY, nullable=True))
        batch_op.create_foreign_key(op.f("fk_messages_again_of"), "messages", ["again_of"], ["id"])


def downgrade() -> None:
    """Nothing is sent once more"""
    with op.batch_alter_table("messages") as batch_op:
        batch_op.drop_constraint(op.f("fk_messages_again_of"), type_="foreignkey")
        batch_op.drop_column("again_of")
