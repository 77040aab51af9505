"""What a directory knows people and teams by, and which accounts it must not touch

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """New columns, empty; nobody is a break-glass account until they are made one."""
    op.add_column("users", sa.Column("break_glass", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("users", sa.Column("external_id", sa.String(length=254), nullable=True))
    op.add_column("users", sa.Column("user_name", sa.String(length=254), nullable=True))
    op.add_column("users", sa.Column(
        "profile", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=True))
    op.add_column("users", sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("teams", sa.Column("external_id", sa.String(length=254), nullable=True))
    op.create_index("ix_users_external_id", "users", ["external_id"], unique=True)
    op.create_index("ix_users_user_name", "users", ["user_name"], unique=True)
    op.create_index("ix_teams_external_id", "teams", ["external_id"], unique=True)


def downgrade() -> None:
    """Take the columns away."""
    op.drop_index("ix_teams_external_id", "teams")
    op.drop_index("ix_users_user_name", "users")
    op.drop_index("ix_users_external_id", "users")
    op.drop_column("teams", "external_id")
    for name in ("removed_at", "profile", "user_name", "external_id", "break_glass"):
        op.drop_column("users", name)
