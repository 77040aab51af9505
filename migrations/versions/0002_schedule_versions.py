"""The versions of schedules and of their layers

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Layers count from an instant until an instant; a schedule keeps what each edit made of it"""
    with op.batch_alter_table("layers", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("origin_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.add_column(sa.Column("first_turn", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("since", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("until", sa.DateTime(timezone=True), nullable=True))

    op.create_table(
        "schedule_versions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("schedule_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.String(length=200), nullable=False),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.Column("content", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedules.id"], name=op.f("fk_schedule_versions_schedule_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule_versions")),
        sa.UniqueConstraint("schedule_id", "number", name=op.f("uq_schedule_versions_schedule_id_number")),
    )


def downgrade() -> None:
    """Only the present version of each layer stays"""
    op.drop_table("schedule_versions")
    op.execute("DELETE FROM layers WHERE until IS NOT NULL")
    with op.batch_alter_table("layers", schema=None) as batch_op:
        batch_op.drop_column("until")
        batch_op.drop_column("since")
        batch_op.drop_column("first_turn")
        batch_op.drop_column("origin_id")
