"""Weekly digests

Revision ID: 0045
Revises: 0044
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    """What teams were told of a week, who was sent it, and who wants it"""
    op.create_table(
        "insight_digests",
        sa.Column("id", BIG, nullable=False),
        sa.Column("team_id", BIG, nullable=False),
        sa.Column("week", sa.Date(), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("ahead", JSON, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_insight_digests_team_id_teams")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_insight_digests")),
        sa.UniqueConstraint("team_id", "week", name=op.f("uq_insight_digests_team_id_week")),
    )
    op.create_table(
        "insight_digest_copies",
        sa.Column("id", BIG, nullable=False),
        sa.Column("digest_id", BIG, nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["digest_id"], ["insight_digests.id"],
                                name=op.f("fk_insight_digest_copies_digest_id_insight_digests")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_insight_digest_copies_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_insight_digest_copies")),
        sa.UniqueConstraint("digest_id", "user_id", name=op.f("uq_insight_digest_copies_digest_id_user_id")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_insight_digest_copies_token_hash")),
    )
    op.create_index(op.f("ix_insight_digest_copies_user_id"), "insight_digest_copies", ["user_id"])
    op.create_table(
        "insight_digest_wishes",
        sa.Column("id", BIG, nullable=False),
        sa.Column("team_id", BIG, nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_insight_digest_wishes_team_id_teams")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_insight_digest_wishes_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_insight_digest_wishes")),
        sa.UniqueConstraint("team_id", "user_id", name=op.f("uq_insight_digest_wishes_team_id_user_id")),
    )
    op.create_index(op.f("ix_insight_digest_wishes_user_id"), "insight_digest_wishes", ["user_id"])


def downgrade() -> None:
    """No digests"""
    for table in ("insight_digest_wishes", "insight_digest_copies", "insight_digests"):
        op.drop_table(table)
