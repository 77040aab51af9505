"""Windows, holds, and how services quiet noise

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
INSTANT = sa.DateTime(timezone=True)
HELD = sa.text("ended_at IS NULL")


def upgrade() -> None:
    """Pages can be held, and what flaps or storms is known"""
    op.create_table(
        "windows",
        sa.Column("id", KEY, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=True),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("team_id", KEY, nullable=True),
        sa.Column("owner_id", KEY, nullable=True),
        *(sa.Column(name, JSON, nullable=False) for name in ("services", "teams", "integrations", "labels")),
        sa.Column("starts", sa.String(length=19), nullable=False),
        sa.Column("ends", sa.String(length=19), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("repeat", JSON, nullable=False),
        sa.Column("hold_pages", sa.Boolean(), nullable=False),
        sa.Column("page_critical", sa.Boolean(), nullable=False),
        sa.Column("over_at", INSTANT, nullable=True),
        sa.Column("not_before", INSTANT, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_windows_team_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_windows_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_windows")),
        sa.UniqueConstraint("key", name=op.f("uq_windows_key")),
    )
    for name in ("kind", "team_id", "owner_id", "over_at"):
        op.create_index(op.f(f"ix_windows_{name}"), "windows", [name])
    op.create_table(
        "holds",
        sa.Column("id", KEY, nullable=False),
        sa.Column("incident_id", KEY, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("source", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("next_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_holds_incident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
    )
    op.create_index(op.f("ix_holds_incident_id"), "holds", ["incident_id"])
    op.create_index(op.f("ix_holds_source"), "holds", ["source"])
    op.create_index("uq_holds_open", "holds", ["incident_id"], unique=True, sqlite_where=HELD, postgresql_where=HELD)
    op.create_index("ix_holds_due", "holds", ["next_at", "id"], sqlite_where=HELD, postgresql_where=HELD)
    with op.batch_alter_table("services") as batch_op:
        batch_op.add_column(sa.Column("noise", JSON, nullable=False, server_default="{}"))
    with op.batch_alter_table("services") as batch_op:
        batch_op.alter_column("noise", server_default=None)
    with op.batch_alter_table("incidents") as batch_op:
        for name in ("storm_until", "flapping_until"):
            batch_op.add_column(sa.Column(name, INSTANT, nullable=True))
            batch_op.create_index(op.f(f"ix_incidents_{name}"), [name])
    with op.batch_alter_table("alerts") as batch_op:
        batch_op.add_column(sa.Column("recovered_at", INSTANT, nullable=True))


def downgrade() -> None:
    """Every incident pages at once"""
    with op.batch_alter_table("alerts") as batch_op:
        batch_op.drop_column("recovered_at")
    with op.batch_alter_table("incidents") as batch_op:
        for name in ("storm_until", "flapping_until"):
            batch_op.drop_index(op.f(f"ix_incidents_{name}"))
            batch_op.drop_column(name)
    with op.batch_alter_table("services") as batch_op:
        batch_op.drop_column("noise")
    op.drop_table("holds")
    op.drop_table("windows")
