"""Shadow

Revision ID: 0050
Revises: 0049
"""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ON = sa.text("ended_at IS NULL")


def upgrade() -> None:
    """What is in shadow, what did not leave because of it, and which incidents were silent"""
    op.create_table(
        "shadows",
        sa.Column("id", BIG, nullable=False),
        sa.Column("ref", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("team_id", BIG, nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_name", sa.String(length=200), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by_name", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_shadows_team_id_teams")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shadows")),
    )
    op.create_index("uq_shadows_on", "shadows", ["ref"], unique=True, sqlite_where=ON, postgresql_where=ON)
    op.create_index(op.f("ix_shadows_ended_at"), "shadows", ["ended_at"])
    op.create_table(
        "unsent",
        sa.Column("id", BIG, nullable=False),
        sa.Column("once", sa.String(length=160), nullable=False),
        sa.Column("shadow_id", BIG, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("incident_id", BIG, nullable=True),
        sa.Column("user_id", BIG, nullable=True),
        sa.Column("team_id", BIG, nullable=True),
        sa.Column("channel", sa.String(length=60), nullable=False),
        sa.Column("whom", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(["shadow_id"], ["shadows.id"], name=op.f("fk_unsent_shadow_id_shadows")),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_unsent_incident_id_incidents")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_unsent_user_id_users")),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_unsent_team_id_teams")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unsent")),
        sa.UniqueConstraint("once", name=op.f("uq_unsent_once")),
    )
    op.create_index("ix_unsent_at", "unsent", ["at", "id"])
    for column in ("shadow_id", "incident_id", "user_id"):
        op.create_index(op.f(f"ix_unsent_{column}"), "unsent", [column])
    op.add_column("incidents", sa.Column("in_shadow", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("incidents", sa.Column("silenced_by", BIG, nullable=True))
    op.create_index(op.f("ix_incidents_silenced_by"), "incidents", ["silenced_by"])
    op.add_column("messages", sa.Column("scope", sa.String(length=40), server_default="", nullable=False))


def downgrade() -> None:
    """Nothing is in shadow"""
    op.drop_column("messages", "scope")
    op.drop_index(op.f("ix_incidents_silenced_by"), "incidents")
    op.drop_column("incidents", "silenced_by")
    op.drop_column("incidents", "in_shadow")
    op.drop_table("unsent")
    op.drop_table("shadows")
