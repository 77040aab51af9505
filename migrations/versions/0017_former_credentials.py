"""Credentials that count a while longer

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Tokens and secrets that were replaced"""
    op.create_table(
        "former_credentials",
        sa.Column("id", KEY, nullable=False),
        sa.Column("integration_id", KEY, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["integration_id"], ["integrations.id"],
                                name=op.f("fk_former_credentials_integration_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_former_credentials")),
        sa.UniqueConstraint("kind", "hash", name=op.f("uq_former_credentials_kind_hash")),
    )
    op.create_index(op.f("ix_former_credentials_integration_id"), "former_credentials", ["integration_id"])


def downgrade() -> None:
    """An old credential is dead at once"""
    op.drop_table("former_credentials")
