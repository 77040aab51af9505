"""Runbooks and their executions

Revision ID: 0029
Revises: 0028
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
OPEN = sa.text("state IN ('pending', 'running')")


def _at(name: str, nullable: bool = True) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name: str, most: int | None = None, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.String(length=most) if most else sa.Text(), nullable=nullable)


def _json(name: str) -> sa.Column:
    return sa.Column(name, JSON, nullable=False)


def _number(name: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Integer(), nullable=nullable)


def _key(name: str, nullable: bool = False) -> sa.Column:
    return sa.Column(name, KEY, nullable=nullable)


def _foreign(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"))


def upgrade() -> None:
    """The library, its versions, and what was executed"""
    op.create_table(
        "runbooks", _key("id"), _text("key", 63), _text("name", 100), _text("description"), _key("team_id", True),
        _text("state", 20), _number("version"), _text("target", 60), _json("config"),
        sa.Column("payload", JSON, nullable=True), _json("parameters"), _number("timeout"), _number("retries"),
        _text("wait_for", 20), _text("concurrency", 20),
        _number("approved_version", True), _at("approved_at"), _text("approved_name", 200), _number("sent_back", True),
        _text("review_note"), _at("created_at", False), _at("changed_at", False),
        _foreign("runbooks", "team_id", "teams.id"), sa.PrimaryKeyConstraint("id", name=op.f("pk_runbooks")),
        sa.UniqueConstraint("key", name=op.f("uq_runbooks_key")))
    op.create_index(op.f("ix_runbooks_team_id"), "runbooks", ["team_id"])
    op.create_index("ix_runbooks_state_name", "runbooks", ["state", "name"])
    op.create_table(
        "runbook_services", _key("runbook_id"), _key("service_id"),
        _foreign("runbook_services", "runbook_id", "runbooks.id"), _foreign("runbook_services", "service_id", "services.id"),
        sa.PrimaryKeyConstraint("runbook_id", "service_id", name=op.f("pk_runbook_services")))
    op.create_index(op.f("ix_runbook_services_service_id"), "runbook_services", ["service_id"])
    op.create_table(
        "runbook_versions", _key("id"), _key("runbook_id"), _number("number"), _json("document"), _text("author", 80),
        _text("author_name", 200), _at("at", False), _foreign("runbook_versions", "runbook_id", "runbooks.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runbook_versions")),
        sa.UniqueConstraint("runbook_id", "number", name=op.f("uq_runbook_versions_runbook_id_number")))
    op.create_table("runbook_reviews", _key("id"), sa.Column("four_eyes", sa.Boolean(), nullable=False),
                    sa.PrimaryKeyConstraint("id", name=op.f("pk_runbook_reviews")))
    _executions()


def _executions() -> None:
    op.create_table(
        "executions", _key("id"), _text("key", 36), _text("form_key", 120, True), _key("runbook_id"), _number("version"),
        _key("incident_id", True), _key("team_id", True), _text("state", 20), _text("phase", 20), _text("started", 80),
        _text("started_name", 200), _key("started_id", True), _text("via", 40), _text("reason", 500), _text("cause", 120),
        _text("cause_url", 300), _json("parameters"), _text("parameters_sealed"), _json("subject"), _text("token_hash", 64),
        _text("token_sealed"), _text("lock", 80, True), _json("attempts"), _number("looks"), _json("handle"),
        _json("progress"), _text("output"), _text("error"), _json("warnings"), _at("created_at", False), _at("started_at"),
        _at("deadline_at"), _at("ended_at"), _at("next_at"), _at("lease_until"), _text("lease_owner", 120, True),
        _at("calling_at"), _at("heard_at"),
        _foreign("executions", "runbook_id", "runbooks.id"), _foreign("executions", "incident_id", "incidents.id"),
        _foreign("executions", "team_id", "teams.id"), _foreign("executions", "started_id", "users.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_executions")),
        *(sa.UniqueConstraint(name, name=op.f(f"uq_executions_{name}")) for name in ("key", "form_key", "token_hash")))
    op.create_index("uq_executions_lock", "executions", ["lock"], unique=True, sqlite_where=OPEN, postgresql_where=OPEN)
    op.create_index("ix_executions_next_at", "executions", ["next_at"])
    op.create_index("ix_executions_state_deadline_at", "executions", ["state", "deadline_at"])
    op.create_index("ix_executions_runbook_id_id", "executions", ["runbook_id", "id"])
    op.create_index("ix_executions_incident_id_id", "executions", ["incident_id", "id"])
    op.create_index(op.f("ix_executions_team_id"), "executions", ["team_id"])
    op.create_index(op.f("ix_executions_cause"), "executions", ["cause"])
    op.create_table(
        "callbacks_heard", _key("id"), _text("digest", 64), _key("execution_id"), _at("at", False),
        _foreign("callbacks_heard", "execution_id", "executions.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callbacks_heard")),
        sa.UniqueConstraint("digest", name=op.f("uq_callbacks_heard_digest")))
    op.create_index(op.f("ix_callbacks_heard_execution_id"), "callbacks_heard", ["execution_id"])
    op.create_index(op.f("ix_callbacks_heard_at"), "callbacks_heard", ["at"])


def downgrade() -> None:
    """No runbooks"""
    for name in ("callbacks_heard", "executions", "runbook_reviews", "runbook_versions", "runbook_services", "runbooks"):
        op.drop_table(name)
