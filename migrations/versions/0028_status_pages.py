"""Status pages

Revision ID: 0028
Revises: 0027
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
AT = sa.DateTime(timezone=True)
OPEN = sa.text("ends IS NULL")


def upgrade() -> None:
    """Pages for outsiders, their components with what they were, notices"""
    op.create_table(
        "status_pages",
        sa.Column("id", KEY, nullable=False),
        sa.Column("slug", sa.String(length=63), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("team_id", KEY, nullable=True),
        sa.Column("access", sa.String(length=10), nullable=False),
        sa.Column("draft", sa.Boolean(), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("intro", sa.Text(), nullable=False),
        sa.Column("hosts", JSON, nullable=False),
        sa.Column("accent", sa.String(length=7), nullable=False),
        sa.Column("logo", sa.LargeBinary(), nullable=True),
        sa.Column("logo_type", sa.String(length=20), nullable=False),
        sa.Column("logo_mark", sa.String(length=12), nullable=False),
        sa.Column("auto_notice", sa.String(length=10), nullable=False),
        sa.Column("auto_resolve", sa.Boolean(), nullable=False),
        sa.Column("link_hash", sa.String(length=64), nullable=True),
        sa.Column("link_last4", sa.String(length=4), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", AT, nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_status_pages_team_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_pages")),
        sa.UniqueConstraint("slug", name=op.f("uq_status_pages_slug")),
    )
    op.create_index(op.f("ix_status_pages_team_id"), "status_pages", ["team_id"])
    _components()
    _notices()


def _components() -> None:
    op.create_table(
        "status_components",
        sa.Column("id", KEY, nullable=False),
        sa.Column("public_id", sa.String(length=12), nullable=False),
        sa.Column("page_id", KEY, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("description", sa.String(length=500), nullable=False),
        sa.Column("group_name", sa.String(length=100), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("computed", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("since", AT, nullable=False),
        sa.Column("override_state", sa.String(length=20), nullable=True),
        sa.Column("override_reason", sa.String(length=500), nullable=False),
        sa.Column("override_until", AT, nullable=True),
        sa.Column("override_name", sa.String(length=200), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.ForeignKeyConstraint(["page_id"], ["status_pages.id"], name=op.f("fk_status_components_page_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_components")),
        sa.UniqueConstraint("public_id", name=op.f("uq_status_components_public_id")),
    )
    op.create_index(op.f("ix_status_components_page_id"), "status_components", ["page_id"])
    op.create_table(
        "status_component_services",
        sa.Column("component_id", KEY, nullable=False),
        sa.Column("service_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(["component_id"], ["status_components.id"],
                                name=op.f("fk_status_component_services_component_id")),
        sa.ForeignKeyConstraint(["service_id"], ["services.id"], name=op.f("fk_status_component_services_service_id")),
        sa.PrimaryKeyConstraint("component_id", "service_id", name=op.f("pk_status_component_services")),
    )
    op.create_index(op.f("ix_status_component_services_service_id"), "status_component_services", ["service_id"])
    op.create_table(
        "status_spans",
        sa.Column("id", KEY, nullable=False),
        sa.Column("component_id", KEY, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("starts", AT, nullable=False),
        sa.Column("ends", AT, nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(["component_id"], ["status_components.id"], name=op.f("fk_status_spans_component_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_spans")),
    )
    op.create_index("ix_status_spans_component_id_starts", "status_spans", ["component_id", "starts"])
    op.create_index("uq_status_spans_open", "status_spans", ["component_id"], unique=True, sqlite_where=OPEN,
                    postgresql_where=OPEN)


def _notices() -> None:
    op.create_table(
        "status_notices",
        sa.Column("id", KEY, nullable=False),
        sa.Column("public_id", sa.String(length=12), nullable=False),
        sa.Column("page_id", KEY, nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("impact", sa.String(length=10), nullable=False),
        sa.Column("components", JSON, nullable=False),
        sa.Column("draft", sa.Boolean(), nullable=False),
        sa.Column("started_at", AT, nullable=False),
        sa.Column("resolved_at", AT, nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.ForeignKeyConstraint(["page_id"], ["status_pages.id"], name=op.f("fk_status_notices_page_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_notices")),
        sa.UniqueConstraint("public_id", name=op.f("uq_status_notices_public_id")),
    )
    op.create_index("ix_status_notices_page_id_started_at", "status_notices", ["page_id", "started_at"])
    op.create_index(op.f("ix_status_notices_resolved_at"), "status_notices", ["resolved_at"])
    op.create_table(
        "status_notice_incidents",
        sa.Column("notice_id", KEY, nullable=False),
        sa.Column("incident_id", KEY, nullable=False),
        sa.Column("page_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(["notice_id"], ["status_notices.id"], name=op.f("fk_status_notice_incidents_notice_id")),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_status_notice_incidents_incident_id")),
        sa.ForeignKeyConstraint(["page_id"], ["status_pages.id"], name=op.f("fk_status_notice_incidents_page_id")),
        sa.PrimaryKeyConstraint("notice_id", "incident_id", name=op.f("pk_status_notice_incidents")),
        sa.UniqueConstraint("page_id", "incident_id", name=op.f("uq_status_notice_incidents_page_id_incident_id")),
    )
    op.create_index(op.f("ix_status_notice_incidents_incident_id"), "status_notice_incidents", ["incident_id"])
    op.create_table(
        "status_notice_updates",
        sa.Column("id", KEY, nullable=False),
        sa.Column("notice_id", KEY, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("due_at", AT, nullable=True),
        sa.Column("changes", JSON, nullable=False),
        sa.Column("author", sa.String(length=80), nullable=False),
        sa.Column("author_name", sa.String(length=200), nullable=False),
        sa.Column("edited_at", AT, nullable=True),
        sa.ForeignKeyConstraint(["notice_id"], ["status_notices.id"], name=op.f("fk_status_notice_updates_notice_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_notice_updates")),
    )
    op.create_index("ix_status_notice_updates_notice_id_at", "status_notice_updates", ["notice_id", "at"])
    op.create_index(op.f("ix_status_notice_updates_due_at"), "status_notice_updates", ["due_at"])


def downgrade() -> None:
    """No page for outsiders"""
    for name in ("status_notice_updates", "status_notice_incidents", "status_notices", "status_spans",
                 "status_component_services", "status_components", "status_pages"):
        op.drop_table(name)
