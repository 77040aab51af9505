"""The long sections of postmortems as HTML

Revision ID: 0069
Revises: 0068
"""

import sqlalchemy as sa
from alembic import op

revision = "0069"
down_revision = "0068"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """What a reader would wait for is worked out once; what there is already within a minute"""
    op.create_table(
        "postmortem_html",
        sa.Column("postmortem_id", ID, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["postmortem_id"], ["postmortems.id"], name=op.f("fk_postmortem_html_postmortem_id")),
        sa.PrimaryKeyConstraint("postmortem_id", "digest", name=op.f("pk_postmortem_html")),
    )
    op.add_column("postmortems", sa.Column("rendered", sa.String(40), nullable=False, server_default=""))


def downgrade() -> None:
    """Each process renders for itself again"""
    op.drop_column("postmortems", "rendered")
    op.drop_table("postmortem_html")
