"""Alerts are found by all that is asked for at once

Revision ID: 0056
Revises: 0055
"""

import sqlalchemy as sa
from alembic import op

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None

SAYS = {"title": "title", "body": "substr(body, 1, 1000)"}
SAID = "(title || E'\\n' || substr(body, 1, 1000)) gin_trgm_ops"
FACETS = ("(ARRAY[severity::text, status::text, 's' || service_id, 'i' || integration_id, "
          "CASE WHEN incident_id IS NULL THEN 'alone' END])")


def _trigrams() -> bool:
    """Whether PostgreSQL can look into texts; an administrator may have seen to it meanwhile."""
    return op.get_bind().scalar(sa.text("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'")) is not None


def upgrade() -> None:
    """One index of text, labels and the rest; and one of the few alerts that took more than a day. Nobody waits for them"""
    if op.get_bind().dialect.name == "sqlite":
        op.create_index("ix_alerts_long", "alerts", ["resolved_at"],
                        sqlite_where=sa.text("julianday(resolved_at) - julianday(first_seen) > 1"))
        return
    columns = ", ".join([*([SAID] if _trigrams() else []), "labels jsonb_path_ops", FACETS])
    with op.get_context().autocommit_block():
        for name in ("ix_alerts_long", "search_alerts"):  # what an attempt that was ended left behind
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        op.execute("CREATE INDEX CONCURRENTLY ix_alerts_long ON alerts (resolved_at) "
                   "WHERE resolved_at - first_seen > interval '1 day'")
        op.execute(f"CREATE INDEX CONCURRENTLY search_alerts ON alerts USING gin ({columns}) "
                   "WITH (gin_pending_list_limit = 512)")  # what is written waits there, and is put in its place in turns
        op.execute("ANALYZE alerts")
        for name in SAYS:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS trgm_alerts_{name}")


def downgrade() -> None:
    """Text by itself; labels are read one by one"""
    if op.get_bind().dialect.name == "sqlite":
        op.drop_index("ix_alerts_long", table_name="alerts")
        return
    with op.get_context().autocommit_block():
        for name, said in SAYS.items() if _trigrams() else ():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS trgm_alerts_{name}")
            op.execute(f"CREATE INDEX CONCURRENTLY trgm_alerts_{name} ON alerts USING gin ({said} gin_trgm_ops)")
        for name in ("ix_alerts_long", "search_alerts"):
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
