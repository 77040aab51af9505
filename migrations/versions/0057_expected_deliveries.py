"""Integrations that are expected to send

Revision ID: 0057
Revises: 0056
"""

import sqlalchemy as sa
from alembic import op

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """How often something is expected of each, what was last told of it, and the incident of its silence"""
    with op.batch_alter_table("integrations") as table:
        table.add_column(sa.Column("expected_every", sa.Integer(), nullable=True))
        table.add_column(sa.Column("quiet_incident", sa.Boolean(), server_default=sa.false(), nullable=False))
        table.add_column(sa.Column("quiet_id", BIG, nullable=True))
        table.add_column(sa.Column("told_health", sa.String(length=20), server_default="", nullable=False))
        table.add_column(sa.Column("told_at", sa.DateTime(timezone=True), nullable=True))
        table.create_foreign_key(op.f("fk_integrations_quiet_id_incidents"), "incidents", ["quiet_id"], ["id"])


def downgrade() -> None:
    """Nothing is expected"""
    with op.batch_alter_table("integrations") as table:
        table.drop_constraint(op.f("fk_integrations_quiet_id_incidents"), type_="foreignkey")
        for column in ("told_at", "told_health", "quiet_id", "quiet_incident", "expected_every"):
            table.drop_column(column)
