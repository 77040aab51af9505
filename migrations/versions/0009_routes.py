"""Routes

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """One ordered table of rules about signals"""
    op.create_table(
        "routes",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("when", JSON, nullable=False),
        sa.Column("then", JSON, nullable=False),
        sa.Column("service_id", KEY, nullable=True),
        sa.Column("goes_on", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["service_id"], ["services.id"], name=op.f("fk_routes_service_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_routes")),
    )
    op.create_index(op.f("ix_routes_position"), "routes", ["position"])
    op.create_index(op.f("ix_routes_service_id"), "routes", ["service_id"])
    op.create_index("uq_routes_name_lower", "routes", [sa.text("lower(name)")], unique=True)
    op.create_table(
        "route_hits",
        sa.Column("route_id", KEY, nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("suppressed", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["route_id"], ["routes.id"], name=op.f("fk_route_hits_route_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("route_id", "day", name=op.f("pk_route_hits")),
    )


def downgrade() -> None:
    """Signals go by their service key, their integration and their tags alone"""
    op.drop_table("route_hits")
    op.drop_table("routes")
