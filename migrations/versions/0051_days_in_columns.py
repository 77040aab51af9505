"""Days of incidents in columns

Revision ID: 0051
Revises: 0050
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Days that there are facts of are packed by and by"""
    table = op.create_table(
        "insight_days",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("stale", sa.Boolean(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("pairs", JSON, nullable=False),
        sa.Column("keys", JSON, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_insight_days")),
    )
    days = sa.text("SELECT DISTINCT opened / 86400 FROM insight_incidents")
    known = [{"day": day, "stale": True, "number": 0, "pairs": [], "keys": [], "data": b""}
             for day in op.get_bind().execute(days).scalars()]
    op.bulk_insert(table, known)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE insight_days ALTER COLUMN data SET STORAGE EXTERNAL")


def downgrade() -> None:
    """Facts are read one by one again"""
    op.drop_table("insight_days")
