"""Links, attributes and offered owners of services

Revision ID: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """A service has links and attributes, and may be offered to another team"""
    with op.batch_alter_table("services") as batch_op:
        batch_op.add_column(sa.Column("links", JSON, nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("attributes", JSON, nullable=False, server_default="{}"))
        batch_op.add_column(sa.Column("offered_team_id", KEY, nullable=True))
        batch_op.create_foreign_key(op.f("fk_services_offered_team_id"), "teams", ["offered_team_id"], ["id"])


def downgrade() -> None:
    """What was said of services beside their owner is lost"""
    with op.batch_alter_table("services") as batch_op:
        batch_op.drop_constraint(op.f("fk_services_offered_team_id"), type_="foreignkey")
        for name in ("offered_team_id", "attributes", "links"):
            batch_op.drop_column(name)
