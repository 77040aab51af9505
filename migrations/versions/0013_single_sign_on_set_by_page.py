"""Single sign-on set by page

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """Administrators set provider and roles on a page; the environment goes before"""
    op.create_table(
        "single_sign_on",
        sa.Column("id", KEY, nullable=False),
        sa.Column("issuer", sa.String(length=500), nullable=False),
        sa.Column("client_id", sa.String(length=500), nullable=False),
        sa.Column("client_secret_sealed", sa.Text(), nullable=True),
        sa.Column("scopes", sa.String(length=500), nullable=False),
        sa.Column("creates", sa.Boolean(), nullable=False),
        sa.Column("role_claim", sa.String(length=500), nullable=False),
        sa.Column("admin_values", JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_single_sign_on")),
    )


def downgrade() -> None:
    """Only the environment sets it"""
    op.drop_table("single_sign_on")
