"""Workflows

Revision ID: 0044
Revises: 0043
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
WHEN = sa.DateTime(timezone=True)
DUE, LIMITED = sa.text("next_at IS NOT NULL"), sa.text("deadline_at IS NOT NULL")


def text(name: str, length: int, nullable: bool = False) -> sa.Column[str]:
    """A column of text."""
    return sa.Column(name, sa.String(length=length), nullable=nullable)


def when(name: str, nullable: bool = True) -> sa.Column[object]:
    """A column of instants."""
    return sa.Column(name, WHEN, nullable=nullable)


def upgrade() -> None:
    """Workflows, versions, runs, steps and drafts"""
    _workflows()
    _runs()
    op.create_table(
        "workflow_drafts", sa.Column("id", KEY, nullable=False), sa.Column("workflow_id", KEY, nullable=False),
        sa.Column("user_id", KEY, nullable=False), sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("definition", JSON, nullable=False), sa.Column("undo", JSON, nullable=False), when("updated_at", False),
        sa.ForeignKeyConstraint(["workflow_id"], ["workflows.id"], name=op.f("fk_workflow_drafts_workflow_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_workflow_drafts_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workflow_drafts")),
        sa.UniqueConstraint("workflow_id", "user_id", name=op.f("uq_workflow_drafts_workflow_id_user_id")))
    op.create_index(op.f("ix_workflow_drafts_user_id"), "workflow_drafts", ["user_id"])
    op.create_table(
        "workflow_watched_teams", sa.Column("team_id", KEY, nullable=False), when("since", False),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_workflow_watched_teams_team_id")),
        sa.PrimaryKeyConstraint("team_id", name=op.f("pk_workflow_watched_teams")))
    op.create_table(
        "workflow_cursors", text("name", 40), sa.Column("event_id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_workflow_cursors")))


def _workflows() -> None:
    op.create_table(
        "workflows", sa.Column("id", KEY, nullable=False), text("key", 63), text("name", 100), text("description", 500),
        text("category", 40), sa.Column("team_id", KEY, nullable=True), sa.Column("enabled", sa.Boolean(), nullable=False),
        when("enabled_at"), when("archived_at"), text("event", 80),
        sa.Column("trigger", JSON, nullable=False), sa.Column("number", sa.Integer(), nullable=False),
        when("age_until"), when("next_at"), when("created_at", False),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_workflows_team_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workflows")), sa.UniqueConstraint("key", name=op.f("uq_workflows_key")))
    op.create_index(op.f("ix_workflows_team_id"), "workflows", ["team_id"])
    op.create_index("ix_workflows_enabled_event", "workflows", ["enabled", "event"])
    op.create_index("ix_workflows_due", "workflows", ["next_at"], sqlite_where=DUE, postgresql_where=DUE)
    op.create_table(
        "workflow_versions", sa.Column("id", KEY, nullable=False), sa.Column("workflow_id", KEY, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False), sa.Column("definition", JSON, nullable=False), text("author", 80),
        text("author_name", 200), text("note", 200), when("created_at", False),
        sa.ForeignKeyConstraint(["workflow_id"], ["workflows.id"], name=op.f("fk_workflow_versions_workflow_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workflow_versions")),
        sa.UniqueConstraint("workflow_id", "number", name=op.f("uq_workflow_versions_workflow_id_number")))


def _runs() -> None:
    op.create_table(
        "workflow_runs", sa.Column("id", KEY, nullable=False), sa.Column("workflow_id", KEY, nullable=False),
        sa.Column("version_id", KEY, nullable=False), sa.Column("incident_id", KEY, nullable=True),
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True), text("once", 120),
        text("state", 20), text("reason", 300), text("error", 500), text("failed_step", 40),
        sa.Column("event", JSON, nullable=False), sa.Column("chain", JSON, nullable=False), when("started_at", False),
        when("ended_at"), sa.Column("active_seconds", sa.Double(), nullable=False), when("active_since"),
        when("deadline_at"),
        *(sa.ForeignKeyConstraint([f"{noun}_id"], [target], name=op.f(f"fk_workflow_runs_{noun}_id")) for noun, target in (
            ("workflow", "workflows.id"), ("version", "workflow_versions.id"), ("incident", "incidents.id"))),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workflow_runs")),
        sa.UniqueConstraint("workflow_id", "once", name=op.f("uq_workflow_runs_workflow_id_once")))
    op.create_index("ix_workflow_runs_started", "workflow_runs", ["workflow_id", "started_at"])
    op.create_index("ix_workflow_runs_incident", "workflow_runs", ["incident_id", "id"])
    op.create_index("ix_workflow_runs_limited", "workflow_runs", ["deadline_at"], sqlite_where=LIMITED,
                    postgresql_where=LIMITED)
    op.create_table(
        "workflow_steps", sa.Column("id", KEY, nullable=False), sa.Column("run_id", KEY, nullable=False), text("node", 40),
        text("kind", 20), text("state", 20), sa.Column("taken", JSON, nullable=False), text("waits_for", 20),
        sa.Column("attempts", sa.Integer(), nullable=False), sa.Column("visits", sa.Integer(), nullable=False),
        sa.Column("unsure", sa.Boolean(), nullable=False), when("next_at"), text("lease_owner", 120, True),
        when("started_at"), when("ended_at"), sa.Column("output", JSON, nullable=False),
        sa.Column("request", JSON, nullable=False),
        sa.Column("response", JSON, nullable=False), sa.Column("warnings", JSON, nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["workflow_runs.id"], name=op.f("fk_workflow_steps_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workflow_steps")),
        sa.UniqueConstraint("run_id", "node", name=op.f("uq_workflow_steps_run_id_node")))
    op.create_index("ix_workflow_steps_due", "workflow_steps", ["next_at"], sqlite_where=DUE, postgresql_where=DUE)


def downgrade() -> None:
    """No workflows"""
    for name in ("workflow_cursors", "workflow_watched_teams", "workflow_drafts", "workflow_steps", "workflow_runs",
                 "workflow_versions", "workflows"):
        op.drop_table(name)
