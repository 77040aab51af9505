"""Partners

Revision ID: 0040
Revises: 0039
"""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """People outside who read status pages: accounts, links, logins, and their log"""
    op.create_table(
        "partners",
        sa.Column("id", KEY, nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("organisation", sa.String(length=100), nullable=False),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("erased_at", AT, nullable=True),
        sa.Column("last_login_at", AT, nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partners")),
        sa.UniqueConstraint("email", name=op.f("uq_partners_email")),
    )
    op.create_table(
        "partner_grants",
        sa.Column("id", KEY, nullable=False),
        sa.Column("partner_id", KEY, nullable=False),
        sa.Column("page_id", KEY, nullable=False),
        sa.Column("expires_at", AT, nullable=True),
        sa.Column("created_at", AT, nullable=False),
        sa.ForeignKeyConstraint(["page_id"], ["status_pages.id"], name=op.f("fk_partner_grants_page_id"),
                                ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["partner_id"], ["partners.id"], name=op.f("fk_partner_grants_partner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_grants")),
        sa.UniqueConstraint("partner_id", "page_id", name=op.f("uq_partner_grants_partner_id_page_id")),
    )
    op.create_index(op.f("ix_partner_grants_page_id"), "partner_grants", ["page_id"])
    _links()


def _links() -> None:
    op.create_table(
        "partner_links",
        sa.Column("id", KEY, nullable=False),
        sa.Column("partner_id", KEY, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("next_at", AT, nullable=False),
        sa.Column("lease_until", AT, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(length=300), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("expires_at", AT, nullable=True),
        sa.Column("used_at", AT, nullable=True),
        sa.Column("voided_at", AT, nullable=True),
        sa.ForeignKeyConstraint(["partner_id"], ["partners.id"], name=op.f("fk_partner_links_partner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_links")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_partner_links_token_hash")),
    )
    op.create_index(op.f("ix_partner_links_partner_id"), "partner_links", ["partner_id"])
    op.create_index(op.f("ix_partner_links_state_next_at"), "partner_links", ["state", "next_at"])
    op.create_table(
        "partner_logins",
        sa.Column("id", KEY, nullable=False),
        sa.Column("partner_id", KEY, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("ended_at", AT, nullable=True),
        sa.Column("ip", sa.String(length=64), nullable=False),
        sa.Column("agent", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(["partner_id"], ["partners.id"], name=op.f("fk_partner_logins_partner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_logins")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_partner_logins_token_hash")),
    )
    op.create_index(op.f("ix_partner_logins_partner_id"), "partner_logins", ["partner_id"])
    _log()


def _log() -> None:
    op.create_table(
        "partner_log",
        sa.Column("id", KEY, nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("partner_id", KEY, nullable=True),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("page_id", KEY, nullable=True),
        sa.Column("slug", sa.String(length=100), nullable=False),
        sa.Column("actor_name", sa.String(length=200), nullable=False),
        sa.Column("detail", sa.String(length=300), nullable=False),
        sa.Column("ip", sa.String(length=64), nullable=False),
        sa.Column("agent", sa.String(length=300), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_partner_log")),
    )
    op.create_index(op.f("ix_partner_log_at"), "partner_log", ["at", "id"])
    op.create_index(op.f("ix_partner_log_email"), "partner_log", ["email", "at", "id"])
    op.create_index(op.f("ix_partner_log_ip"), "partner_log", ["ip", "kind", "at"])
    op.create_index(op.f("ix_partner_log_kind"), "partner_log", ["kind", "at", "id"])
    op.create_index(op.f("ix_partner_log_page_id"), "partner_log", ["page_id", "at", "id"])
    op.create_index(op.f("ix_partner_log_partner_id"), "partner_log", ["partner_id", "at", "id"])


def downgrade() -> None:
    """Nobody outside signs in"""
    for name in ("partner_log", "partner_logins", "partner_links", "partner_grants", "partners"):
        op.drop_table(name)
