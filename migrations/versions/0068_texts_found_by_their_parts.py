"""Texts are found by their parts on SQLite

Revision ID: 0068
Revises: 0067
"""

import sqlite3

from alembic import op

revision = "0068"
down_revision = "0067"
branch_labels = None
depends_on = None

# Of each table: the columns that are looked into, and their text in a row.
TEXTS = {"incidents": ("title, labels", "{row}title || char(10) || {row}labels"),
         "alerts": ("title, body", "{row}title || char(10) || substr({row}body, 1, 1000)"),
         "notes": ("body", "{row}body")}
MADE = "said, content='', columnsize=0, detail='none', tokenize='trigram'"  # the parts of a text alone, not their places


def _possible() -> bool:
    """Whether this SQLite can index texts by three signs at a time (FTS5, from 3.34 on)."""
    place = sqlite3.connect(":memory:")
    try:
        place.execute(f"CREATE VIRTUAL TABLE one USING fts5({MADE})")
    except sqlite3.OperationalError:
        return False
    finally:
        place.close()
    return True


def upgrade() -> None:
    """An index of the texts of each table, which the database keeps true by itself. PostgreSQL has its own"""
    if op.get_bind().dialect.name != "sqlite" or not _possible():
        return
    for table, (columns, said) in TEXTS.items():
        index = f"search_{table}"
        op.execute(f"CREATE VIRTUAL TABLE {index} USING fts5({MADE})")
        op.execute(f"INSERT INTO {index} (rowid, said) SELECT id, {said.format(row='')} FROM {table}")
        come = f"INSERT INTO {index} (rowid, said) VALUES (new.id, {said.format(row='new.')});"
        gone = f"INSERT INTO {index} ({index}, rowid, said) VALUES ('delete', old.id, {said.format(row='old.')});"
        op.execute(f"CREATE TRIGGER {index}_come AFTER INSERT ON {table} BEGIN {come} END")
        op.execute(f"CREATE TRIGGER {index}_gone AFTER DELETE ON {table} BEGIN {gone} END")
        op.execute(f"CREATE TRIGGER {index}_changed AFTER UPDATE OF {columns} ON {table} BEGIN {gone} {come} END")


def downgrade() -> None:
    """Everything is read for a text again"""
    if op.get_bind().dialect.name != "sqlite":
        return
    for table in TEXTS:
        for what in ("come", "gone", "changed"):
            op.execute(f"DROP TRIGGER IF EXISTS search_{table}_{what}")
        op.execute(f"DROP TABLE IF EXISTS search_{table}")
