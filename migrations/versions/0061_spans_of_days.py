"""Incidents of several days at once

Revision ID: 0061
Revises: 0060
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
PACKED = ("cells", "services", "teams", "levels", "halves", "pages")


def upgrade() -> None:
    """Spans of days that there are facts of are packed by and by; the slowest answers are found by an index"""
    table = op.create_table(
        "insight_spans",
        sa.Column("length", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("stale", sa.Boolean(), nullable=False),
        *(sa.Column(name, sa.LargeBinary(), nullable=False) for name in PACKED),
        sa.Column("sources", JSON, nullable=False),
        sa.PrimaryKeyConstraint("length", "first", name=op.f("pk_insight_spans")),
    )
    days = list(op.get_bind().execute(sa.text("SELECT day FROM insight_days")).scalars())
    op.bulk_insert(table, [
        {"length": length, "first": first, "stale": True, **dict.fromkeys(PACKED, b""), "sources": {}}
        for length in (4, 16, 64) for first in sorted({day // length * length for day in days})])
    if op.get_bind().dialect.name == "postgresql":
        for name in PACKED:
            op.execute(f"ALTER TABLE insight_spans ALTER COLUMN {name} SET STORAGE EXTERNAL")
    op.create_index("ix_insight_incidents_slow", "insight_incidents", ["acknowledged", "incident_id"])


def downgrade() -> None:
    """Days are read one by one again"""
    op.drop_index("ix_insight_incidents_slow", table_name="insight_incidents")
    op.drop_table("insight_spans")
