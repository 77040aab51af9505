"""Sums of messages by longer spans than an hour

Revision ID: 0048
Revises: 0047
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

OLD = "uq_insight_deliveries_hour_team_id_channel_provider_state_reason"
NEW = "uq_insight_deliveries_alike"
LATE = sa.text("late > 0 AND span = 1")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
SUMS = sa.table("insight_deliveries", sa.column("id"), sa.column("span"), sa.column("first", JSON), sa.column("firsts"),
                sa.column("late"))


def upgrade() -> None:
    """Every sum there is is of one hour; its first pages are counted"""
    with op.batch_alter_table("insight_deliveries") as table:
        table.add_column(sa.Column("span", sa.Integer(), nullable=False, server_default="1"))
        table.add_column(sa.Column("firsts", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("late", sa.Integer(), nullable=False, server_default="0"))
        table.drop_constraint(op.f(OLD), type_="unique")
        table.create_unique_constraint(NEW, ["span", "hour", "team_id", "channel", "provider", "state", "reason"])
    with op.batch_alter_table("insight_deliveries") as table:
        for name in ("span", "firsts", "late"):
            table.alter_column(name, server_default=None)
    last, connection = 0, op.get_bind()
    while rows := connection.execute(sa.select(SUMS.c.id, SUMS.c.first).where(SUMS.c.id > last).order_by(
            SUMS.c.id).limit(1000)).all():
        if counted := [{"key": row.id, **_counted(row.first)} for row in rows if row.first]:
            connection.execute(sa.update(SUMS).where(SUMS.c.id == sa.bindparam("key")), counted)
        last = rows[-1].id
    op.create_index("ix_insight_deliveries_late", "insight_deliveries", ["hour", "team_id", "late"], sqlite_where=LATE,
                    postgresql_where=LATE)


def _counted(first: Mapping[str, int]) -> dict[str, Any]:
    return {"firsts": sum(first.values()), "late": sum(number for seconds, number in first.items() if int(seconds) > 30)}


def downgrade() -> None:
    """Longer sums are forgotten"""
    op.drop_index("ix_insight_deliveries_late", table_name="insight_deliveries")
    op.execute(sa.delete(SUMS).where(SUMS.c.span != 1))
    with op.batch_alter_table("insight_deliveries") as table:
        table.drop_constraint(NEW, type_="unique")
        table.create_unique_constraint(op.f(OLD), ["hour", "team_id", "channel", "provider", "state", "reason"])
        for name in ("span", "firsts", "late"):
            table.drop_column(name)
    op.execute("DELETE FROM insight_marks WHERE name LIKE 'hours-%'")
