"""Documents that were applied

Revision ID: 0047
Revises: 0046
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Who applied which document, what stands under one, and work that takes longer than a request"""
    op.create_table(
        "applied_documents",
        sa.Column("id", BIG, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("actor_name", sa.String(length=200), nullable=False),
        sa.Column("via", sa.String(length=40), nullable=False),
        sa.Column("files", JSON, nullable=False),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_applied_documents")),
    )
    op.create_table(
        "managed_objects",
        sa.Column("id", BIG, nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=254), nullable=False),
        sa.Column("ref", sa.String(length=80), nullable=False),
        sa.Column("applied_id", BIG, nullable=False),
        sa.Column("said", JSON, nullable=False),
        sa.ForeignKeyConstraint(["applied_id"], ["applied_documents.id"],
                                name=op.f("fk_managed_objects_applied_id_applied_documents")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_managed_objects")),
        sa.UniqueConstraint("kind", "key", name=op.f("uq_managed_objects_kind_key")),
    )
    op.create_index("ix_managed_objects_ref", "managed_objects", ["ref"])
    op.create_index(op.f("ix_managed_objects_applied_id"), "managed_objects", ["applied_id"])
    _errands()


def _errands() -> None:
    op.create_table(
        "errands",
        sa.Column("id", BIG, nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("said", JSON, nullable=False),
        sa.Column("progress", sa.String(length=200), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("found", JSON, nullable=False),
        sa.Column("error", sa.String(length=1000), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_errands_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_errands")),
        sa.UniqueConstraint("key", name=op.f("uq_errands_key")),
    )
    op.create_index("ix_errands_state", "errands", ["state", "lease_until"])
    op.create_index(op.f("ix_errands_user_id"), "errands", ["user_id"])
    op.create_index(op.f("ix_errands_created_at"), "errands", ["created_at"])


def downgrade() -> None:
    """Forget them"""
    op.drop_table("errands")
    op.drop_table("managed_objects")
    op.drop_table("applied_documents")
