"""Accounts at providers, posts that are kept true, codes for answers and the answers heard

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
DUE = sa.text("next_at IS NOT NULL")


def upgrade() -> None:
    """What two-way channels need"""
    op.create_table(
        "channel_accounts",
        sa.Column("id", KEY, nullable=False),
        sa.Column("plugin", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("config_sealed", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_channel_accounts")),
    )
    op.create_index(op.f("ix_channel_accounts_plugin"), "channel_accounts", ["plugin"])
    op.create_table(
        "provider_states",
        sa.Column("account", sa.String(length=80), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("open_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("probe_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("off", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(length=300), nullable=False),
        sa.Column("last_error_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("account", "channel", name=op.f("pk_provider_states")),
    )
    op.create_table(
        "rooms",
        sa.Column("id", KEY, nullable=False),
        sa.Column("team_id", KEY, nullable=False),
        sa.Column("service_id", KEY, nullable=True),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("account", sa.String(length=80), nullable=False),
        sa.Column("address", sa.String(length=2000), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("error", sa.String(length=300), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_rooms_team_id")),
        sa.ForeignKeyConstraint(["service_id"], ["services.id"], name=op.f("fk_rooms_service_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rooms")),
        sa.UniqueConstraint("team_id", "service_id", "channel", "address",
                            name=op.f("uq_rooms_team_id_service_id_channel_address")),
    )
    op.create_index(op.f("ix_rooms_service_id"), "rooms", ["service_id"])
    op.create_index(op.f("ix_rooms_team_id"), "rooms", ["team_id"])
    op.create_table(
        "surfaces",
        sa.Column("id", KEY, nullable=False),
        sa.Column("incident_id", KEY, nullable=False),
        sa.Column("message_id", KEY, nullable=True),
        sa.Column("room_id", KEY, nullable=True),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("account", sa.String(length=80), nullable=False),
        sa.Column("address", sa.String(length=2000), nullable=False),
        sa.Column("provider_id", sa.String(length=300), nullable=False),
        sa.Column("shown", sa.String(length=300), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.String(length=300), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_surfaces_incident_id")),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_surfaces_message_id")),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_surfaces_room_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_surfaces")),
        sa.UniqueConstraint("incident_id", "room_id", name=op.f("uq_surfaces_incident_id_room_id")),
        sa.UniqueConstraint("message_id", name=op.f("uq_surfaces_message_id")),
    )
    op.create_index(op.f("ix_surfaces_provider_id"), "surfaces", ["provider_id"])
    op.create_index(op.f("ix_surfaces_incident_id"), "surfaces", ["incident_id"])
    op.create_index(op.f("ix_surfaces_due"), "surfaces", ["next_at"], sqlite_where=DUE, postgresql_where=DUE)
    op.create_table(
        "reply_codes",
        sa.Column("id", KEY, nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("incident_id", KEY, nullable=False),
        sa.Column("code", sa.String(length=4), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_reply_codes_user_id")),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_reply_codes_incident_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reply_codes")),
        sa.UniqueConstraint("user_id", "incident_id", name=op.f("uq_reply_codes_user_id_incident_id")),
    )
    op.create_index(op.f("ix_reply_codes_code"), "reply_codes", ["user_id", "code"])
    op.create_table(
        "heard_replies",
        sa.Column("id", KEY, nullable=False),
        sa.Column("once", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=False),
        sa.Column("sender", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", KEY, nullable=True),
        sa.Column("incident_id", KEY, nullable=True),
        sa.Column("message_id", KEY, nullable=True),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.Column("said", JSON, nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_heard_replies_user_id")),
        sa.ForeignKeyConstraint(["incident_id"], ["incidents.id"], name=op.f("fk_heard_replies_incident_id")),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_heard_replies_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_heard_replies")),
        sa.UniqueConstraint("once", name=op.f("uq_heard_replies_once")),
    )
    op.create_index(op.f("ix_heard_replies_sender"), "heard_replies", ["channel", "sender", "at"])
    with op.batch_alter_table("messages") as batch_op:
        batch_op.add_column(sa.Column("account", sa.String(length=80), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("avoid", sa.String(length=300), nullable=False, server_default=""))
        batch_op.create_index("ix_messages_provider_id", ["provider_id"])


def downgrade() -> None:
    """Channels know one account each again"""
    with op.batch_alter_table("messages") as batch_op:
        batch_op.drop_index("ix_messages_provider_id")
        batch_op.drop_column("avoid")
        batch_op.drop_column("account")
    for name in ("heard_replies", "reply_codes", "surfaces", "rooms", "provider_states", "channel_accounts"):
        op.drop_table(name)
