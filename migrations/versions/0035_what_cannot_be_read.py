"""Deliveries that can't be read are told

Revision ID: 0035
Revises: 0034
"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """The incident about them, and what finds them"""
    with op.batch_alter_table("integrations") as table:
        table.add_column(sa.Column("trouble_id", KEY, nullable=True))
        table.add_column(sa.Column("trouble_over_at", sa.DateTime(timezone=True), nullable=True))
        table.create_foreign_key(op.f("fk_integrations_trouble_id"), "incidents", ["trouble_id"], ["id"])
    bad = sa.text("state IN ('rejected', 'failed')")
    op.create_index("ix_deliveries_bad", "deliveries", ["integration_id", "received_at"], sqlite_where=bad,
                    postgresql_where=bad)


def downgrade() -> None:
    """Nobody is told"""
    op.drop_index("ix_deliveries_bad", table_name="deliveries")
    with op.batch_alter_table("integrations") as table:
        table.drop_constraint(op.f("fk_integrations_trouble_id"), type_="foreignkey")
        table.drop_column("trouble_over_at")
        table.drop_column("trouble_id")
