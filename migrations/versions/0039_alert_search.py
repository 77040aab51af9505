"""Alerts are found by what they say

Revision ID: 0039
Revises: 0038
"""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

SAYS = {"title": "title", "body": "substr(body, 1, 1000)"}


def _trigrams() -> bool:
    """Whether PostgreSQL can look into texts: the extension is trusted since 13, but a server may lack it."""
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return False
    there = sa.text("SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'")
    return connection.scalar(there) is not None


def upgrade() -> None:
    """By when they began; and, where the database can, by any part of title and text"""
    op.create_index(op.f("ix_alerts_first_seen"), "alerts", ["first_seen"])
    if not _trigrams():
        return
    try:
        with op.get_bind().begin_nested():
            op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except sa.exc.ProgrammingError:  # our user may not; an administrator can, and then make the two indexes
        return
    for name, said in SAYS.items():
        op.execute(f"CREATE INDEX trgm_alerts_{name} ON alerts USING gin ({said} gin_trgm_ops)")


def downgrade() -> None:
    """Every row is looked at again"""
    if op.get_bind().dialect.name == "postgresql":
        for name in SAYS:
            op.execute(f"DROP INDEX IF EXISTS trgm_alerts_{name}")
    op.drop_index(op.f("ix_alerts_first_seen"), table_name="alerts")
