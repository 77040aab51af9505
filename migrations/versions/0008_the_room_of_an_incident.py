"""The room of an incident

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Roles, tasks, updates, followers, merges; many at once; saved views"""
    op.create_table("bulk_moves",
        sa.Column("id", KEY, nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("what", sa.String(length=20), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done", JSON, nullable=False),
        sa.Column("refused", JSON, nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_bulk_moves_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_moves"))
    )
    with op.batch_alter_table("bulk_moves") as batch_op:
        batch_op.create_index(batch_op.f("ix_bulk_moves_user_id"), ["user_id"], unique=False)

    op.create_table("saved_views",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("query", sa.String(length=2000), nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("team_id", KEY, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_saved_views_team_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_saved_views_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_views"))
    )
    with op.batch_alter_table("saved_views") as batch_op:
        batch_op.create_index(batch_op.f("ix_saved_views_team_id"), ["team_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_saved_views_user_id"), ["user_id"], unique=False)

    op.create_table("followers",
        sa.Column("id", KEY, nullable=False),
        sa.Column("incident_id", KEY, nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_followers_incident_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_followers_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_followers")),
        sa.UniqueConstraint("incident_id", "user_id", name=op.f("uq_followers_incident_id_user_id"))
    )
    with op.batch_alter_table("followers") as batch_op:
        batch_op.create_index(batch_op.f("ix_followers_user_id"), ["user_id"], unique=False)

    op.create_table("incident_roles",
        sa.Column("id", KEY, nullable=False),
        sa.Column("incident_id", KEY, nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_incident_roles_incident_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_incident_roles_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_roles")),
        sa.UniqueConstraint("incident_id", "name", name=op.f("uq_incident_roles_incident_id_name"))
    )
    with op.batch_alter_table("incident_roles") as batch_op:
        batch_op.create_index(batch_op.f("ix_incident_roles_user_id"), ["user_id"], unique=False)

    op.create_table("incident_updates",
        sa.Column("id", KEY, nullable=False),
        sa.Column("incident_id", KEY, nullable=False),
        sa.Column("author", sa.String(length=80), nullable=False),
        sa.Column("author_name", sa.String(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_incident_updates_incident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident_updates"))
    )
    with op.batch_alter_table("incident_updates") as batch_op:
        batch_op.create_index(batch_op.f("ix_incident_updates_incident_id"), ["incident_id"], unique=False)

    op.create_table("merges",
        sa.Column("id", KEY, nullable=False),
        sa.Column("incident_id", KEY, nullable=False),
        sa.Column("target_id", KEY, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("alerts", JSON, nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_merges_incident_id")),
        sa.ForeignKeyConstraint(["target_id"], ["incidents.id"], name=op.f("fk_merges_target_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merges"))
    )
    with op.batch_alter_table("merges") as batch_op:
        batch_op.create_index(batch_op.f("ix_merges_incident_id"), ["incident_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_merges_target_id"), ["target_id"], unique=False)

    op.create_table("tasks",
        sa.Column("id", KEY, nullable=False),
        sa.Column("incident_id", KEY, nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("owner_id", KEY, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_by", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_tasks_incident_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_tasks_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks"))
    )
    with op.batch_alter_table("tasks") as batch_op:
        batch_op.create_index(batch_op.f("ix_tasks_incident_id"), ["incident_id"], unique=False)
    with op.batch_alter_table("incidents") as batch_op:
        batch_op.add_column(sa.Column("merged_into_id", KEY, nullable=True))
        batch_op.add_column(sa.Column("update_every", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("update_due_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index(batch_op.f("ix_incidents_merged_into_id"), ["merged_into_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_incidents_update_due_at"), ["update_due_at"], unique=False)
        batch_op.create_foreign_key(batch_op.f("fk_incidents_merged_into_id"), "incidents", ["merged_into_id"], ["id"])
    with op.batch_alter_table("notes") as batch_op:
        batch_op.add_column(sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """A merged incident is a resolved one"""
    with op.batch_alter_table("notes") as batch_op:
        batch_op.drop_column("deleted_at")
        batch_op.drop_column("edited_at")
    with op.batch_alter_table("incidents") as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_incidents_merged_into_id"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_incidents_update_due_at"))
        batch_op.drop_index(batch_op.f("ix_incidents_merged_into_id"))
        batch_op.drop_column("update_due_at")
        batch_op.drop_column("update_every")
        batch_op.drop_column("merged_into_id")
    with op.batch_alter_table("tasks") as batch_op:
        batch_op.drop_index(batch_op.f("ix_tasks_incident_id"))
    op.drop_table("tasks")
    with op.batch_alter_table("merges") as batch_op:
        batch_op.drop_index(batch_op.f("ix_merges_target_id"))
        batch_op.drop_index(batch_op.f("ix_merges_incident_id"))
    op.drop_table("merges")
    with op.batch_alter_table("incident_updates") as batch_op:
        batch_op.drop_index(batch_op.f("ix_incident_updates_incident_id"))
    op.drop_table("incident_updates")
    with op.batch_alter_table("incident_roles") as batch_op:
        batch_op.drop_index(batch_op.f("ix_incident_roles_user_id"))
    op.drop_table("incident_roles")
    with op.batch_alter_table("followers") as batch_op:
        batch_op.drop_index(batch_op.f("ix_followers_user_id"))
    op.drop_table("followers")
    with op.batch_alter_table("saved_views") as batch_op:
        batch_op.drop_index(batch_op.f("ix_saved_views_user_id"))
        batch_op.drop_index(batch_op.f("ix_saved_views_team_id"))
    op.drop_table("saved_views")
    with op.batch_alter_table("bulk_moves") as batch_op:
        batch_op.drop_index(batch_op.f("ix_bulk_moves_user_id"))
    op.drop_table("bulk_moves")
