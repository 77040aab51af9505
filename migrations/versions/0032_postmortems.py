"""Postmortems and action items

Revision ID: 0032
Revises: 0031
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
INSTANT = sa.DateTime(timezone=True)
WAITING = sa.text("remind_at IS NOT NULL")
TABLES = ("postmortems", "postmortem_incidents", "automatic_drafts", "postmortem_versions", "postmortem_unsaved",
          "postmortem_reviews", "postmortem_comments", "postmortem_share_links", "postmortem_templates",
          "postmortem_settings", "action_items")


def upgrade() -> None:
    """Documents that people learn from, their versions, and what follows from them"""
    op.create_table(
        "postmortems",
        sa.Column("id", KEY, nullable=False),
        sa.Column("team_id", KEY, nullable=True),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("published", sa.Integer(), nullable=True),
        sa.Column("publication", sa.Integer(), nullable=False),
        sa.Column("published_at", INSTANT, nullable=True),
        sa.Column("owner_id", KEY, nullable=True),
        sa.Column("author_id", KEY, nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("nudge_at", INSTANT, nullable=True),
        sa.Column("nudges", sa.Integer(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_postmortems_author_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_postmortems_owner_id")),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_postmortems_team_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_postmortems")),
    )
    op.create_index(op.f("ix_postmortems_created_at"), "postmortems", ["created_at"])
    op.create_index(op.f("ix_postmortems_nudge_at"), "postmortems", ["nudge_at"])
    op.create_index(op.f("ix_postmortems_owner_id"), "postmortems", ["owner_id"])
    op.create_index(op.f("ix_postmortems_published_at"), "postmortems", ["published_at"])
    op.create_index(op.f("ix_postmortems_team_id_state"), "postmortems", ["team_id", "state"])
    op.create_table(
        "postmortem_incidents",
        sa.Column("id", KEY, nullable=False),
        sa.Column("postmortem_id", KEY, nullable=False),
        sa.Column("incident_id", KEY, nullable=False),
        sa.Column("owner", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_postmortem_incidents_incident_id")),
        sa.ForeignKeyConstraint(["postmortem_id"], ["postmortems.id"], name=op.f("fk_postmortem_incidents_postmortem_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_postmortem_incidents")),
        sa.UniqueConstraint("incident_id", "owner", name=op.f("uq_postmortem_incidents_incident_id_owner")),
    )
    op.create_index(op.f("ix_postmortem_incidents_postmortem_id"), "postmortem_incidents", ["postmortem_id"])
    op.create_table(
        "automatic_drafts",
        sa.Column("id", KEY, nullable=False),
        sa.Column("incident_id", KEY, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_automatic_drafts_incident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_automatic_drafts")),
        sa.UniqueConstraint("incident_id", name=op.f("uq_automatic_drafts_incident_id")),
    )
    op.create_table(
        "postmortem_versions",
        sa.Column("id", KEY, nullable=False),
        sa.Column("postmortem_id", KEY, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("publication", sa.Integer(), nullable=True),
        sa.Column("what", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("author", sa.String(length=80), nullable=False),
        sa.Column("author_name", sa.String(length=200), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("content", JSON, nullable=False),
        sa.Column("facts", JSON, nullable=True),
        sa.Column("timeline", JSON, nullable=True),
        sa.ForeignKeyConstraint(["postmortem_id"], ["postmortems.id"], name=op.f("fk_postmortem_versions_postmortem_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_postmortem_versions")),
        sa.UniqueConstraint("postmortem_id", "number", name=op.f("uq_postmortem_versions_postmortem_id_number")),
    )
    op.create_table(
        "postmortem_unsaved",
        sa.Column("id", KEY, nullable=False),
        sa.Column("postmortem_id", KEY, nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("base", sa.Integer(), nullable=False),
        sa.Column("content", JSON, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["postmortem_id"], ["postmortems.id"], name=op.f("fk_postmortem_unsaved_postmortem_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_postmortem_unsaved_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_postmortem_unsaved")),
        sa.UniqueConstraint("postmortem_id", "user_id", name=op.f("uq_postmortem_unsaved_postmortem_id_user_id")),
    )
    op.create_index(op.f("ix_postmortem_unsaved_user_id"), "postmortem_unsaved", ["user_id"])
    op.create_table(
        "postmortem_reviews",
        sa.Column("id", KEY, nullable=False),
        sa.Column("postmortem_id", KEY, nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["postmortem_id"], ["postmortems.id"], name=op.f("fk_postmortem_reviews_postmortem_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_postmortem_reviews_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_postmortem_reviews")),
        sa.UniqueConstraint("postmortem_id", "user_id", name=op.f("uq_postmortem_reviews_postmortem_id_user_id")),
    )
    op.create_index(op.f("ix_postmortem_reviews_user_id"), "postmortem_reviews", ["user_id"])
    op.create_table(
        "postmortem_comments",
        sa.Column("id", KEY, nullable=False),
        sa.Column("postmortem_id", KEY, nullable=False),
        sa.Column("author_id", KEY, nullable=True),
        sa.Column("author_name", sa.String(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_postmortem_comments_author_id")),
        sa.ForeignKeyConstraint(["postmortem_id"], ["postmortems.id"], name=op.f("fk_postmortem_comments_postmortem_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_postmortem_comments")),
    )
    op.create_index(op.f("ix_postmortem_comments_postmortem_id"), "postmortem_comments", ["postmortem_id"])
    op.create_table(
        "postmortem_share_links",
        sa.Column("id", KEY, nullable=False),
        sa.Column("postmortem_id", KEY, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("last4", sa.String(length=4), nullable=False),
        sa.Column("made_by", sa.String(length=200), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["postmortem_id"], ["postmortems.id"], name=op.f("fk_postmortem_share_links_postmortem_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_postmortem_share_links")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_postmortem_share_links_token_hash")),
    )
    op.create_index(op.f("ix_postmortem_share_links_postmortem_id"), "postmortem_share_links", ["postmortem_id"])
    op.create_table(
        "postmortem_templates",
        sa.Column("id", KEY, nullable=False),
        sa.Column("owner", sa.Integer(), nullable=False),
        sa.Column("team_id", KEY, nullable=True),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("sections", JSON, nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_postmortem_templates_team_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_postmortem_templates")),
        sa.UniqueConstraint("owner", "name", name=op.f("uq_postmortem_templates_owner_name")),
    )
    op.create_index(op.f("ix_postmortem_templates_team_id"), "postmortem_templates", ["team_id"])
    op.create_table(
        "postmortem_settings",
        sa.Column("id", KEY, nullable=False),
        sa.Column("team_id", KEY, nullable=False),
        sa.Column("automatic", sa.String(length=20), nullable=False),
        sa.Column("review", sa.String(length=20), nullable=False),
        sa.Column("template_id", KEY, nullable=True),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_postmortem_settings_team_id")),
        sa.ForeignKeyConstraint(["template_id"], ["postmortem_templates.id"],
                                name=op.f("fk_postmortem_settings_template_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_postmortem_settings")),
        sa.UniqueConstraint("team_id", name=op.f("uq_postmortem_settings_team_id")),
    )
    op.create_index(op.f("ix_postmortem_settings_template_id"), "postmortem_settings", ["template_id"])
    op.create_table(
        "action_items",
        sa.Column("id", KEY, nullable=False),
        sa.Column("postmortem_id", KEY, nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("description", sa.String(length=2000), nullable=False),
        sa.Column("owner_id", KEY, nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("priority", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("done_at", INSTANT, nullable=True),
        sa.Column("remind_at", INSTANT, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_action_items_owner_id")),
        sa.ForeignKeyConstraint(["postmortem_id"], ["postmortems.id"], name=op.f("fk_action_items_postmortem_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_action_items")),
    )
    op.create_index(op.f("ix_action_items_owner_id_state"), "action_items", ["owner_id", "state"])
    op.create_index(op.f("ix_action_items_postmortem_id"), "action_items", ["postmortem_id"])
    op.create_index(op.f("ix_action_items_remind"), "action_items", ["remind_at"], sqlite_where=WAITING,
                    postgresql_where=WAITING)


def downgrade() -> None:
    """Nobody wrote anything down"""
    for name in reversed(TABLES):
        op.drop_table(name)

