"""Maintenance, announcements and subscribers of status pages

Revision ID: 0038
Revises: 0037
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
AT = sa.DateTime(timezone=True)
AHEAD = sa.text("state IN ('scheduled', 'in_progress')")
WAITING = sa.text("fanned_at IS NULL")
QUEUED = sa.text("state IN ('queued', 'sending')")

def of_components() -> list[sa.Column]:
    """What subscribers were told of a component; new columns each time, for a column belongs to one table."""
    return [sa.Column("told_state", sa.String(length=20), nullable=False, server_default="operational"),
            sa.Column("told_at", AT, nullable=True), sa.Column("tell_at", AT, nullable=True)]


def of_pages() -> list[sa.Column]:
    """Where copies of a page go."""
    return [sa.Column("exports", JSON, nullable=False, server_default="{}"),
            sa.Column("export_sealed", sa.Text(), nullable=True),
            sa.Column("exported_at", AT, nullable=True),
            sa.Column("exported_version", sa.Integer(), nullable=False, server_default="0"),
            sa.Column("export_due_at", AT, nullable=True), sa.Column("export_failing_since", AT, nullable=True),
            sa.Column("export_told_at", AT, nullable=True),
            sa.Column("export_error", sa.String(length=300), nullable=False, server_default="")]


def upgrade() -> None:
    """What readers are told, who is told, and copies that outlive us"""
    for column in of_components():
        op.add_column("status_components", column)
    op.create_index(op.f("ix_status_components_tell_at"), "status_components", ["tell_at"])
    for column in of_pages():
        op.add_column("status_pages", column)
    op.create_index(op.f("ix_status_pages_export_due_at"), "status_pages", ["export_due_at"])
    with op.batch_alter_table("status_components") as table:
        table.alter_column("told_state", server_default=None)
    with op.batch_alter_table("status_pages") as table:
        for name in ("exports", "exported_version", "export_error"):
            table.alter_column(name, server_default=None)
    _maintenance()
    _texts()
    _readers()


def _maintenance() -> None:
    op.create_table(
        "status_series",
        sa.Column("id", KEY, nullable=False),
        sa.Column("page_id", KEY, nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("components", JSON, nullable=False),
        sa.Column("starts", sa.String(length=19), nullable=False),
        sa.Column("ends", sa.String(length=19), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("repeat", JSON, nullable=False),
        sa.Column("notify", JSON, nullable=False),
        sa.Column("listed_until", AT, nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.ForeignKeyConstraint(["page_id"], ["status_pages.id"], name=op.f("fk_status_series_page_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_series")),
    )
    op.create_index(op.f("ix_status_series_page_id"), "status_series", ["page_id"])
    op.create_index(op.f("ix_status_series_listed_until"), "status_series", ["listed_until"])
    op.create_table(
        "status_windows",
        sa.Column("id", KEY, nullable=False),
        sa.Column("public_id", sa.String(length=12), nullable=False),
        sa.Column("page_id", KEY, nullable=False),
        sa.Column("series_id", KEY, nullable=False),
        sa.Column("slot", sa.String(length=19), nullable=False),
        sa.Column("own", sa.Boolean(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("components", JSON, nullable=False),
        sa.Column("starts", AT, nullable=False),
        sa.Column("ends", AT, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.ForeignKeyConstraint(["page_id"], ["status_pages.id"], name=op.f("fk_status_windows_page_id")),
        sa.ForeignKeyConstraint(["series_id"], ["status_series.id"], name=op.f("fk_status_windows_series_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_windows")),
        sa.UniqueConstraint("public_id", name=op.f("uq_status_windows_public_id")),
        sa.UniqueConstraint("series_id", "slot", name=op.f("uq_status_windows_series_id_slot")),
    )
    op.create_index("ix_status_windows_page_id_starts", "status_windows", ["page_id", "starts"])
    op.create_index("ix_status_windows_ahead", "status_windows", ["starts"], sqlite_where=AHEAD, postgresql_where=AHEAD)
    op.create_table(
        "status_window_updates",
        sa.Column("id", KEY, nullable=False),
        sa.Column("window_id", KEY, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("author", sa.String(length=80), nullable=False),
        sa.Column("author_name", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["window_id"], ["status_windows.id"], name=op.f("fk_status_window_updates_window_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_window_updates")),
    )
    op.create_index(op.f("ix_status_window_updates_window_id"), "status_window_updates", ["window_id"])


def _texts() -> None:
    op.create_table(
        "status_templates",
        sa.Column("id", KEY, nullable=False),
        sa.Column("page_id", KEY, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["page_id"], ["status_pages.id"], name=op.f("fk_status_templates_page_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_templates")),
        sa.UniqueConstraint("page_id", "name", name=op.f("uq_status_templates_page_id_name")),
    )
    op.create_table(
        "status_announcements",
        sa.Column("id", KEY, nullable=False),
        sa.Column("once", sa.String(length=160), nullable=False),
        sa.Column("page_id", KEY, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("components", JSON, nullable=False),
        sa.Column("subject", sa.String(length=400), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("data", JSON, nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("fanned_at", AT, nullable=True),
        sa.ForeignKeyConstraint(["page_id"], ["status_pages.id"], name=op.f("fk_status_announcements_page_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_announcements")),
        sa.UniqueConstraint("once", name=op.f("uq_status_announcements_once")),
    )
    op.create_index(op.f("ix_status_announcements_page_id"), "status_announcements", ["page_id"])
    op.create_index("ix_status_announcements_waiting", "status_announcements", ["id"], sqlite_where=WAITING,
                    postgresql_where=WAITING)


def _readers() -> None:
    op.create_table(
        "status_subscribers",
        sa.Column("id", KEY, nullable=False),
        sa.Column("page_id", KEY, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("address", sa.String(length=2000), nullable=False),
        sa.Column("address_hash", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("components", JSON, nullable=False),
        sa.Column("kinds", JSON, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("token_sealed", sa.Text(), nullable=False),
        sa.Column("confirm_hash", sa.String(length=64), nullable=True),
        sa.Column("confirm_sealed", sa.Text(), nullable=True),
        sa.Column("confirm_until", AT, nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", AT, nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("confirmed_at", AT, nullable=True),
        sa.Column("ended_at", AT, nullable=True),
        sa.ForeignKeyConstraint(["page_id"], ["status_pages.id"], name=op.f("fk_status_subscribers_page_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_subscribers")),
        sa.UniqueConstraint("page_id", "kind", "address_hash", name=op.f("uq_status_subscribers_page_id_kind_address_hash")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_status_subscribers_token_hash")),
        sa.UniqueConstraint("confirm_hash", name=op.f("uq_status_subscribers_confirm_hash")),
    )
    op.create_index("ix_status_subscribers_page_id_state", "status_subscribers", ["page_id", "state"])
    op.create_index(op.f("ix_status_subscribers_state"), "status_subscribers", ["state"])
    op.create_table(
        "status_messages",
        sa.Column("id", KEY, nullable=False),
        sa.Column("announcement_id", KEY, nullable=True),
        sa.Column("subscriber_id", KEY, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", AT, nullable=False),
        sa.Column("lease_until", AT, nullable=True),
        sa.Column("error", sa.String(length=300), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("sent_at", AT, nullable=True),
        sa.ForeignKeyConstraint(["announcement_id"], ["status_announcements.id"],
                                name=op.f("fk_status_messages_announcement_id")),
        sa.ForeignKeyConstraint(["subscriber_id"], ["status_subscribers.id"], name=op.f("fk_status_messages_subscriber_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_messages")),
        sa.UniqueConstraint("announcement_id", "subscriber_id",
                            name=op.f("uq_status_messages_announcement_id_subscriber_id")),
    )
    op.create_index(op.f("ix_status_messages_subscriber_id"), "status_messages", ["subscriber_id"])
    op.create_index("ix_status_messages_created_at", "status_messages", ["created_at"])
    op.create_index("ix_status_messages_due", "status_messages", ["next_at", "id"], sqlite_where=QUEUED,
                    postgresql_where=QUEUED)


def downgrade() -> None:
    """Readers look by themselves"""
    for name in ("status_messages", "status_subscribers", "status_announcements", "status_templates",
                 "status_window_updates",
                 "status_windows", "status_series"):
        op.drop_table(name)
    op.drop_index(op.f("ix_status_components_tell_at"), "status_components")
    with op.batch_alter_table("status_components") as table:
        for column in of_components():
            table.drop_column(column.name)
    op.drop_index(op.f("ix_status_pages_export_due_at"), "status_pages")
    with op.batch_alter_table("status_pages") as table:
        for column in of_pages():
            table.drop_column(column.name)
