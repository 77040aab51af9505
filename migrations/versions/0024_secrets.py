"""Secrets of automations

Revision ID: 0024
Revises: 0023
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
GLOBAL = sa.text("team_id IS NULL")


def upgrade() -> None:
    """What requests of runbooks and workflows name"""
    op.create_table(
        "secrets",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("team_id", KEY, nullable=True),
        sa.Column("value_sealed", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("replaced_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("replaced_by", sa.String(length=200), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_secrets_team_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_secrets")),
    )
    op.create_index("uq_secrets_team_id_name", "secrets", ["team_id", "name"], unique=True)
    op.create_index("uq_secrets_global_name", "secrets", ["name"], unique=True, sqlite_where=GLOBAL, postgresql_where=GLOBAL)


def downgrade() -> None:
    """Automations without secrets"""
    op.drop_table("secrets")
