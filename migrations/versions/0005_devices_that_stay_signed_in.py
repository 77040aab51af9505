"""Devices that stay signed in

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """A kept device begins new logins"""
    op.create_table(
        "devices",
        sa.Column("id", KEY, nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("name_hash", sa.String(length=64), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("road", sa.String(length=20), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ip", sa.String(length=64), nullable=False),
        sa.Column("agent", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_devices_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_devices")),
        sa.UniqueConstraint("name_hash", name=op.f("uq_devices_name_hash")),
    )
    op.create_index(op.f("ix_devices_user_id"), "devices", ["user_id"])
    with op.batch_alter_table("login_sessions") as batch_op:
        batch_op.add_column(sa.Column("device_id", KEY, nullable=True))
        batch_op.create_foreign_key(op.f("fk_login_sessions_device_id"), "devices", ["device_id"], ["id"])
        batch_op.create_index(op.f("ix_login_sessions_device_id"), ["device_id"])


def downgrade() -> None:
    """Every login ends for good"""
    with op.batch_alter_table("login_sessions") as batch_op:
        batch_op.drop_index(op.f("ix_login_sessions_device_id"))
        batch_op.drop_constraint(op.f("fk_login_sessions_device_id"), type_="foreignkey")
        batch_op.drop_column("device_id")
    op.drop_table("devices")
