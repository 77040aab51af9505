"""Single sign-on, second factors, passkeys and proofs

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def table(name: str, *parts: sa.schema.SchemaItem, person: bool = True, unique: str = "") -> None:
    """A table with its key and, unless told otherwise, the person to whom its rows belong."""
    owner = [sa.Column("user_id", KEY, nullable=False),
             sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f(f"fk_{name}_user_id"))] if person else []
    single = [sa.UniqueConstraint(unique, name=op.f(f"uq_{name}_{unique}"))] if unique else []
    op.create_table(name, sa.Column("id", KEY, nullable=False), *owner, *parts, *single,
                    sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")))


def upgrade() -> None:
    """Logins know their road and their last proof; administrators with a password may use it whatever comes"""
    op.add_column("login_sessions", sa.Column("road", sa.String(length=20), nullable=False, server_default="password"))
    op.add_column("login_sessions", sa.Column("proved_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE users SET break_glass = true WHERE role = 'admin' AND password_hash IS NOT NULL")
    table("identities", sa.Column("issuer", sa.String(length=500), nullable=False),
          sa.Column("subject", sa.String(length=255), nullable=False),
          sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
          sa.UniqueConstraint("issuer", "subject", name=op.f("uq_identities_issuer_subject")))
    table("challenges", sa.Column("purpose", sa.String(length=20), nullable=False),
          sa.Column("token_hash", sa.String(length=64), nullable=False),
          sa.Column("browser_hash", sa.String(length=64), nullable=False),
          sa.Column("sealed", sa.Text(), nullable=False),
          sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False), person=False, unique="token_hash")
    table("code_generators", sa.Column("sealed", sa.Text(), nullable=False),
          sa.Column("last_step", sa.Integer(), nullable=False),
          sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True), unique="user_id")
    table("recovery_codes", sa.Column("code_hash", sa.String(length=64), nullable=False),
          sa.Column("used_at", sa.DateTime(timezone=True), nullable=True))
    table("passkeys", sa.Column("credential", sa.String(length=1400), nullable=False),
          sa.Column("public_key", sa.Text(), nullable=False), sa.Column("sign_count", KEY, nullable=False),
          sa.Column("name", sa.String(length=100), nullable=False),
          sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
          sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True), unique="credential")
    op.create_index(op.f("ix_challenges_expires_at"), "challenges", ["expires_at"])
    for name in ("identities", "recovery_codes", "passkeys"):
        op.create_index(op.f(f"ix_{name}_user_id"), name, ["user_id"])


def downgrade() -> None:
    """Passwords are the only way in again"""
    for name in ("passkeys", "recovery_codes", "code_generators", "challenges", "identities"):
        op.drop_table(name)
    with op.batch_alter_table("login_sessions") as batch_op:
        batch_op.drop_column("proved_at")
        batch_op.drop_column("road")
